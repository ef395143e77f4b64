#include "image/recipe/recipe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "base/text.h"

namespace banger::image {

namespace {

// What no image keeps, in a fixed order after everything else: traces of the build and of this host, and whatever
// differs from one build to the next. mmdebstrap itself removes apt's lists and cache and empties /etc/machine-id.
constexpr std::string_view kTidy = R"(set -eu
cd "$1"
mv -f etc/apt/sources.list.d/0000main.sources etc/apt/sources.list.d/debian.sources
rm -f etc/apt/sources.list
rm -f etc/ssh/ssh_host_*_key etc/ssh/ssh_host_*_key.pub
find var/log -type f -delete
rm -rf var/cache/apt/*.bin var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache var/lib/systemd/random-seed
rm -f etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- etc/.pwd.lock
find . -xdev -name '*.dpkg-old' -delete
echo localhost > etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > etc/hosts
rm -f etc/resolv.conf
: > etc/resolv.conf
: > etc/machine-id
chown 0:0 root
chmod 0755 root
install -d -m 0700 root/.ssh
# As if systemd-update-done had run: every first boot would otherwise rebuild ld.so.cache and the catalog.
for d in etc var; do printf 'TIMESTAMP_NSEC=%s000000000\n' "$SOURCE_DATE_EPOCH" > "$d/.updated"; done
)";

std::unexpected<Error> bad(std::string_view field, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("recipe: {}: {}", field, why));
}

bool only_of(std::string_view text, std::string_view extra) {
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos)) return false;
  return !text.empty();
}

Result<RecipeFile> parse_file(const Json& json) {
  TRY(only_keys(json, {"path", "mode", "text"}));
  RecipeFile file{TRY(get_string(json, "path")), 0644, TRY(get_string(json, "text"))};
  bool inside = file.path.starts_with('/') && !file.path.ends_with('/') && file.path.find("/../") == file.path.npos;
  if (!inside || file.path.find('\0') != file.path.npos)
    return bad("files", fmt::format("'{}' is no absolute path of a file", printable(file.path)));
  if (file.text.find('\0') != file.text.npos)
    return bad("files", fmt::format("{}: only text can be written", file.path));
  auto mode = TRY(find_string(json, "mode")).value_or("0644");
  if (mode.size() > 5 || mode.empty() || mode.find_first_not_of("01234567") != mode.npos)
    return bad("files", fmt::format("{}: '{}' is no octal mode", file.path, printable(mode)));
  file.mode = static_cast<std::uint32_t>(std::stoul(mode, nullptr, 8)) & 07777;
  return file;
}

std::string write_file_hook(const RecipeFile& file) {
  auto path = shell_quote(file.path);
  return fmt::format("install -D -m {:04o} /dev/null \"$1\"{} && printf %s {} > \"$1\"{}", file.mode, path,
                     shell_quote(file.text), path);
}

}  // namespace

Result<RecipePlan> parse_recipe(std::string_view manifest) {
  Json json = TRY(in("recipe", parse_json(manifest, limits::kManifestBytes)));
  TRY(in("recipe", only_keys(json, {"name", "description", "kernel", "suite", "variant", "timestamp", "packages",
                                    "exclude", "include", "files", "commands"})));
  RecipePlan plan;
  plan.suite = TRY(in("recipe", get_string(json, "suite")));
  plan.variant = TRY(in("recipe", get_string(json, "variant")));
  plan.timestamp = TRY(in("recipe", get_int(json, "timestamp")));
  plan.packages = TRY(in("recipe", find_strings(json, "packages")));
  plan.exclude = TRY(in("recipe", find_strings(json, "exclude")));
  plan.include = TRY(in("recipe", find_strings(json, "include")));
  plan.commands = TRY(in("recipe", find_strings(json, "commands")));
  if (!only_of(plan.suite, "-.")) return bad("suite", "is no name of a suite");
  if (!only_of(plan.variant, "-")) return bad("variant", "is no variant of mmdebstrap");
  if (plan.timestamp <= 0) return bad("timestamp", "must be seconds since 1970");
  for (const auto& package : plan.packages)
    if (!only_of(package, "+-.")) return bad("packages", fmt::format("'{}' is no package name", printable(package)));
  if (auto files = json.find("files"); files != json.end()) {
    if (!files->is_array()) return bad("files", "must be a list");
    for (const auto& file : *files) plan.files.push_back(TRY(parse_file(file)));
  }
  return plan;
}

std::vector<std::string> mmdebstrap_command(const RecipePlan& plan, const CopiedKeys& keys) {
  // --mode=unshare serves both: for a user it makes the user namespace, for root it keeps the build's mounts out of the
  // host's.
  std::vector<std::string> argv = {
      "mmdebstrap", "--mode=unshare", "--format=tar", "--variant=" + plan.variant,
      "--aptopt=Acquire::Languages \"none\"",
      // A disk that is thrown away needs no fsync after each file, neither here nor in the guest.
      "--dpkgopt=force-unsafe-io"};
  if (!plan.packages.empty()) argv.push_back("--include=" + join(plan.packages, ","));
  for (const auto& pattern : plan.exclude) argv.push_back("--dpkgopt=path-exclude=" + pattern);
  for (const auto& pattern : plan.include) argv.push_back("--dpkgopt=path-include=" + pattern);
  for (const auto& key : keys) {
    auto parent = key.substr(0, key.rfind('/'));
    argv.push_back(fmt::format("--setup-hook=mkdir -p \"$1\"{}", shell_quote(parent)));
    argv.push_back(fmt::format("--setup-hook=upload {0} {0}", shell_quote(key)));
  }
  for (const auto& file : plan.files) argv.push_back("--customize-hook=" + write_file_hook(file));
  for (const auto& command : plan.commands)
    argv.push_back(fmt::format("--customize-hook=chroot \"$1\" sh -euc {}", shell_quote(command)));
  argv.push_back("--customize-hook=" + std::string(kTidy));
  argv.insert(argv.end(), {plan.suite, "-", "-"});
  return argv;
}

}  // namespace banger::image
