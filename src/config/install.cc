#include "config/install.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "config/bounds.h"
#include "config/toml_text.h"
#include "host/beneath.h"
#include "host/files.h"

namespace banger::config {

namespace {

Result<std::string> text_of(const toml::node& node) {
  auto* text = node.as_string();
  if (!text || text->get().empty()) return fail(ErrorCode::invalid, "must be text");
  return text->get();
}

bool is_name(std::string_view text, std::size_t longest) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return text.size() <= longest && std::ranges::all_of(text, fits) && text.front() != '-' && text.front() != '.';
}

Result<> set_owner(Install& install, const toml::node& node) {
  auto name = TRY(text_of(node));
  if (!is_name(name, 32)) return fail(ErrorCode::invalid, fmt::format("'{}' is not a user name", printable(name)));
  install.owner = std::move(name);
  return {};
}

// IFNAMSIZ is 16 and counts the terminating zero.
Result<> set_bridge_name(Install& install, const toml::node& node) {
  auto name = TRY(text_of(node));
  if (!is_name(name, 15))
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an interface name", printable(name)));
  install.bridge_name = std::move(name);
  return {};
}

Result<> set_bridge_ip(Install& install, const toml::node& node) {
  auto text = TRY(text_of(node));
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an IPv4 address", printable(text)));
  install.bridge_ip = std::move(text);
  return {};
}

Result<> set_cidr(Install& install, const toml::node& node) {
  auto* number = node.as_integer();
  if (!number || number->get() < 8 || number->get() > 30)
    return fail(ErrorCode::invalid, "must be a whole number between 8 and 30");
  install.cidr = static_cast<std::uint32_t>(number->get());
  return {};
}

Result<> set_roots(Install& install, const toml::node& node) {
  auto* list = node.as_array();
  if (!list) return fail(ErrorCode::invalid, "must be a list of directories");
  install.roots.clear();
  for (const auto& item : *list) {
    auto root = TRY(text_of(item));
    TRY(host::check_plain_path(root));
    install.roots.push_back(std::move(root));
  }
  return {};
}

template <auto member>
Result<> set_program(Install& install, const toml::node& node) {
  auto path = TRY(text_of(node));
  TRY(host::check_plain_path(path));
  install.*member = std::move(path);
  return {};
}

struct InstallKey {
  std::string_view name;
  Result<> (*set)(Install&, const toml::node&);
};

constexpr InstallKey kKeys[] = {{"owner", set_owner},
                                {"bridge_name", set_bridge_name},
                                {"bridge_ip", set_bridge_ip},
                                {"cidr", set_cidr},
                                {"roots", set_roots},
                                {"jailer", set_program<&Install::jailer>},
                                {"firecracker", set_program<&Install::firecracker>}};

Result<> read_entry(Install& install, const Entry& entry, const std::string& path) {
  auto where = fmt::format("{}:{}", path, entry.line);
  auto key = std::ranges::find(kKeys, entry.name, &InstallKey::name);
  if (key != std::end(kKeys)) return in(where, in(fmt::format("'{}'", entry.name), key->set(install, *entry.node)));
  return in(where, Result<>(fail(ErrorCode::invalid, fmt::format("unknown key '{}'", printable(entry.name)),
                                 did_you_mean(entry.name.substr(0, 64), {"owner", "bridge_name", "bridge_ip", "cidr",
                                                                         "roots", "jailer", "firecracker"}))));
}

}  // namespace

Result<Install> parse_install(std::string_view text, const std::string& path) {
  auto table = TRY(parse_toml(text, path));
  Install install;
  for (const auto& entry : entries_of(table)) TRY(read_entry(install, entry, path));
  if (install.owner.empty()) return fail(ErrorCode::invalid, fmt::format("{}: 'owner' is missing", path));
  if (install.jailer.empty() != install.firecracker.empty())
    return fail(ErrorCode::invalid, fmt::format("{}: 'jailer' and 'firecracker' must both be set, or neither", path));
  return install;
}

namespace {

// Only paths can need quoting; toml++ writes them as TOML does.
std::string in_quotes(std::string_view text) {
  std::string escaped;
  for (char c : text) escaped += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return fmt::format("\"{}\"", escaped);
}

}  // namespace

std::string format_install(const Install& install) {
  std::string roots, programs;
  for (const auto& root : install.roots) roots += (roots.empty() ? "" : ", ") + in_quotes(root);
  if (!install.jailer.empty())
    programs =
        fmt::format("jailer = {}\nfirecracker = {}\n", in_quotes(install.jailer), in_quotes(install.firecracker));
  return fmt::format("owner = \"{}\"\nbridge_name = \"{}\"\nbridge_ip = \"{}\"\ncidr = {}\nroots = [{}]\n{}",
                     install.owner, install.bridge_name, install.bridge_ip, install.cidr, roots, programs);
}

Result<Install> load_install(const std::string& path) {
  // The file stays open, so that the checks apply to the file that is read.
  auto file = TRY(host::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(path);
  if (!S_ISREG(info.st_mode) || info.st_uid != 0 || (info.st_mode & 022))
    return fail(ErrorCode::denied, fmt::format("users other than root can change {}", path),
                fmt::format("chown root {0} && chmod 644 {0}", path));
  return parse_install(TRY(host::read_file(host::path_of_fd(file), limits::kConfigFileBytes)), path);
}

}  // namespace banger::config
