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
/// Lists of files whose content is known (stat_cache.h): those that were sent, and those of the guest.
inline constexpr std::string_view kSentName = ".git/banger/sent", kSeenName = ".git/banger/seen";

using FileStates = std::map<std::string, FileState>;

struct Manifest {
  std::string base;                         ///< the commit that an export compares with; empty: none
  std::string state;                        ///< a digest of what the git directory was made of
  std::string head;                         ///< the content of .git/HEAD
  std::map<std::string, std::string> refs;  ///< name → id
  FileStates files;
  bool read_only = false;  ///< the tree was made read-only after the prepare

  /// Records that end with a zero byte, because names have any other byte.
  std::string text() const;
  /// `corrupt` for anything but such a text, and for names that lead out of the tree.
  static Result<Manifest> parse(std::string_view text);
};

/// The path in a record of a manifest's text; empty for a record that describes no file.
std::string_view path_in_record(std::string_view record);
/// Whether the record says that its file has this state.
bool is_record_of(std::string_view record, const FileState& file);
/// Whether `path` is a name below a working tree: relative, without empty, "." and ".." parts, and without `.git`.
bool is_tree_name(std::string_view path);
/// Whether a reference is somebody's work: a branch, a tag or the stash.
bool counts_as_work(std::string_view ref);
/// Whether this is the id of an object: 40 or 64 hexadecimal digits.
bool is_object_id(std::string_view id);

}  // namespace banger::workspace
