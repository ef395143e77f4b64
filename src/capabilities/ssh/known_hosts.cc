#include "capabilities/ssh/known_hosts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "capabilities/bounds.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

constexpr std::string_view kDomain = ".vm";
constexpr std::uint16_t kUsualPort = 22;

/// The host as ssh looks it up.
std::string pattern(const std::string& name, std::uint16_t port) {
  if (port == kUsualPort) return fmt::format("{}{}", name, kDomain);
  return fmt::format("[{}{}]:{}", name, kDomain, port);
}

std::string id_of(std::string_view pattern) {
  if (pattern.starts_with('[')) pattern.remove_prefix(1);
  return std::string(pattern.substr(0, pattern.find(kDomain)));
}

/// Without a sync, because the file is written again at the next use.
Result<> replace(const std::string& path, std::string_view text) {
  auto fresh = path + ".new";
  TRY(host::remove_file(fresh));
  auto file = TRY(host::open_file(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY(in(fresh, host::write_all(file.get(), text)));
  if (::rename(fresh.c_str(), path.c_str()) < 0) return fail_errno(path);
  return {};
}

}  // namespace

std::string with_known_host(std::string_view text, const KnownHost& host, const IsVm& is_vm) {
  // The first pattern of a line has the VM's id.
  std::vector<std::string> patterns = {pattern(host.id, host.port)};
  for (const auto& name : host.names) patterns.push_back(pattern(name, host.port));
  std::string kept;
  for (auto line : split(text, '\n')) {
    if (line.empty()) continue;
    auto theirs = split(line.substr(0, line.find(' ')), ',');
    bool has_name = std::ranges::any_of(
        theirs, [&](std::string_view each) { return std::ranges::find(patterns, each) != patterns.end(); });
    if (!has_name && is_vm(id_of(theirs.front()))) kept += fmt::format("{}\n", line);
  }
  return fmt::format("{}{} {}\n", kept, join(patterns, ","), host.key);
}

std::string known_hosts_path(const host::Paths& paths) { return paths.ssh() + "/known_hosts"; }

Result<> remember_host(const host::Paths& paths, const KnownHost& host, const IsVm& is_vm) {
  auto path = known_hosts_path(paths);
  TRY(host::make_private_directory(paths.ssh()));
  // A file that cannot be read is made anew.
  auto before = host::read_regular_file(path, limits::kKnownHostsBytes).value_or("");
  auto after = with_known_host(before, host, is_vm);
  return after == before ? Result<>() : in("note the VM's host key", replace(path, after));
}

}  // namespace banger::capabilities
