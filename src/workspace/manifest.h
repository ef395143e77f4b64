// What a prepare has put into a guest: the file `.git/banger/prepared` there. The next prepare compares with it. The
// guest can change it, so it is hostile when it comes back.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "workspace/tree_file.h"

namespace banger::workspace {

inline constexpr std::string_view kManifestName = ".git/banger/prepared";
/// The list of the files that were sent (stat_cache.h).
inline constexpr std::string_view kSentName = ".git/banger/sent";

using FileStates = std::map<std::string, FileState>;

struct Manifest {
  std::string base;                         ///< the commit that an export compares with; empty: none
  std::string state;                        ///< a digest of what the git directory was made of
  std::string head;                         ///< the content of .git/HEAD
  std::map<std::string, std::string> refs;  ///< name → id
  FileStates files;

  /// Records that end with a zero byte, because names have any other byte.
  std::string text() const;
  /// `corrupt` for anything but such a text, and for names that lead out of the tree.
  static Result<Manifest> parse(std::string_view text);
};

/// Whether `path` is a name below a working tree: relative, without empty, "." and ".." parts, and without `.git`.
bool is_tree_name(std::string_view path);
/// Whether a reference is somebody's work: a branch, a tag or the stash.
bool counts_as_work(std::string_view ref);
/// Whether this is the id of an object: 40 or 64 hexadecimal digits.
bool is_object_id(std::string_view id);

}  // namespace banger::workspace
