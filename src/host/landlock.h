// Landlock: rules by which a process and all its later programs open only the files that the rules name. The rules are
// about files and not names, so a rename changes nothing. Needs no rights. Source: landlock(7), and the kernel's
// Documentation/userspace-api/landlock.rst.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

enum class FileAccess {
  read,    ///< read a file, or list a directory
  run,     ///< as read, and start programs and load libraries
  write,   ///< read and write a file, and change its size
  device,  ///< read and write a device, and send all its requests (ioctl(2))
  unlink,  ///< remove files of a directory; opens nothing
};

/// A rule for a directory holds for everything beneath it.
struct FileRule {
  std::string path;
  FileAccess access = FileAccess::read;
  bool operator==(const FileRule&) const = default;
};

struct Ruleset {
  std::vector<FileRule> files;  ///< a file that does not exist, or cannot be reached, has no rule
  bool tcp = false;             ///< may connect to TCP ports, and listen on them
};

/// What a version of Landlock can restrict beyond the opening of files.
namespace landlock {
inline constexpr int kTruncates = 3, kTcp = 4, kDevices = 5, kScopes = 6;
}

/// The version of Landlock's interface. `unsupported` with the reason and a hint, if this process cannot use Landlock.
Result<int> landlock_version();

/// Makes a set of rules for SpawnSpec::landlock_fd. Rules that this kernel's version lacks do not hold. With version
/// landlock::kScopes, the process also sends no signals to others, and connects to no abstract sockets of others.
/// `unsupported` as above.
Result<UniqueFd> make_ruleset(const Ruleset& rules);

}  // namespace banger::host
