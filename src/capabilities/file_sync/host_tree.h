// What [[file_sync]] takes from the host: the files and directories of each entry. Blocking; the owner's home is
// trusted, but may change at any time.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capabilities/bounds.h"
#include "config/config.h"

namespace banger::capabilities {

/// Where a guest gets the identity of the owner's git, below /root. Git reads the file before ~/.gitconfig.
inline constexpr const char* kGitIdentityInGuest = ".config/git/config";

/// The entries that a guest gets, and which paths of the host may be read for them.
struct HostFiles {
  std::span<const config::FileSync> entries = {};  ///< borrowed
  std::string home;                                ///< what "~/" stands for
  bool only_home = false;                          ///< nothing outside the home is read
  bool git_identity = false;                       ///< the guest gets the name and address of the owner's git, too
};

/// A file or directory on its way into a guest.
struct SyncedObject {
  std::string path;  ///< relative to /root
  bool directory = false;
  mode_t mode = 0;
  std::uint64_t bytes = 0;
};

/// Sentences for people about what does not travel. A long list ends with a count.
class SyncWarnings {
 public:
  void add(std::string sentence);
  std::vector<std::string> take();

 private:
  std::vector<std::string> list_;
  std::size_t more_ = 0;
};

/// What all entries of one sync may still take.
struct SyncBudget {
  std::uint64_t bytes = limits::kSyncBytes;
  std::size_t objects = limits::kSyncObjects;
};

/// Gets each object, a directory before what is in it. `file` is the open file, and -1 for a directory.
using VisitSynced = std::function<Result<>(const SyncedObject& object, int file, const struct stat& info)>;

/// Visits what the entry stands for. Only the path itself may be a symlink. A missing path, and symlinks, devices,
/// sockets and FIFOs in a directory, are warnings. `exhausted` when the budget does not suffice. Errors of `visit` end
/// the walk.
Result<> visit_synced(const config::FileSync& entry, const HostFiles& host, SyncBudget& budget,
                      const VisitSynced& visit, SyncWarnings& warnings);

}  // namespace banger::capabilities
