#include "host/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace banger::host {

namespace {

// Later than the headers of Debian 12.
constexpr std::uint64_t kTruncate = 1 << 14, kIoctlDevice = 1 << 15;
constexpr std::uint64_t kBindTcp = 1 << 0, kConnectTcp = 1 << 1;
constexpr std::uint64_t kScopeAbstractSockets = 1 << 0, kScopeSignals = 1 << 1;

/// The kernel's landlock_ruleset_attr. A kernel that knows less takes it too, if the unknown members are 0.
struct Handled {
  std::uint64_t files = 0, tcp = 0, scoped = 0;
};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
// All other rights are about directories. The kernel refuses those in the rule of a file.
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | kWrite | kIoctlDevice;

Handled handled_by(int version, const Ruleset& rules) {
  Handled handled{.files = LANDLOCK_ACCESS_FS_REFER - 1};  // everything before it is in version 1
  if (version >= 2) handled.files |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= landlock::kTruncates) handled.files |= kTruncate;
  if (version >= landlock::kTcp && !rules.tcp) handled.tcp = kBindTcp | kConnectTcp;
  if (version >= landlock::kDevices) handled.files |= kIoctlDevice;
  if (version >= landlock::kScopes) handled.scoped = kScopeAbstractSockets | kScopeSignals;
  return handled;
}

std::uint64_t rights(FileAccess access) {
  switch (access) {
    case FileAccess::read:
      return kRead;
    case FileAccess::run:
      return kRead | LANDLOCK_ACCESS_FS_EXECUTE;
    case FileAccess::write:
      return kWrite;
    case FileAccess::device:
      return kWrite | kIoctlDevice;
    case FileAccess::unlink:
      return LANDLOCK_ACCESS_FS_REMOVE_FILE;
  }
  return 0;
}

std::unexpected<Error> no_landlock(int error) {
  constexpr auto kCode = ErrorCode::unsupported;
  if (error == ENOSYS) return fail(kCode, "this kernel has no Landlock", "use Linux 5.13 or later");
  if (error == EOPNOTSUPP)
    return fail(kCode, "Landlock is turned off in this kernel",
                "add landlock to the list lsm= of the kernel's command line, and reboot");
  return fail(kCode, fmt::format("this process may not use Landlock: {}", std::strerror(error)),
              "a container's filter of system calls may refuse it");
}

Result<> add_rule(int ruleset, const FileRule& rule, std::uint64_t handled) {
  UniqueFd file(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return {};
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) < 0) return fail_errno(rule.path);
  auto allowed = rights(rule.access) & handled;
  if (!S_ISDIR(info.st_mode)) allowed &= kOfFiles;
  if (allowed == 0) return {};
  landlock_path_beneath_attr beneath{.allowed_access = allowed, .parent_fd = file.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
    return fail_errno(fmt::format("Landlock rule for {}", rule.path));
  return {};
}

}  // namespace

Result<int> landlock_version() {
  auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return no_landlock(errno);
  return static_cast<int>(version);
}

Result<UniqueFd> make_ruleset(const Ruleset& rules) {
  auto handled = handled_by(TRY(landlock_version()), rules);
  UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!ruleset) return fail_errno("make Landlock rules");
  for (const auto& rule : rules.files) TRY(add_rule(ruleset.get(), rule, handled.files));
  return ruleset;
}

}  // namespace banger::host
