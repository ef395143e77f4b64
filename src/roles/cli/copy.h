// `vm cp` without its command line: the paths of both sides, the meaning of the target, and the transfer of trees.
// Trees are sent as tar over vm.put_files and vm.get_files.
#pragma once

#include <string>
#include <vector>

#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// One end of a copy. `VM:PATH` is in a guest, relative to /root. A text with a '/' before the first ':' is a path of
/// this host.
struct CopyPath {
  std::string vm;          ///< empty: this host
  std::string path;        ///< without trailing slashes or `/.`
  bool contents = false;   ///< the path ended in `/.` or `..`: the files in the directory, not the directory itself
  bool directory = false;  ///< the path ended in a slash, so it must be a directory

  std::string name() const;    ///< the last component
  std::string parent() const;  ///< the path without its last component; "/" or "." at the top
  std::string text() const;    ///< for messages
  /// The path for system calls. With "/." at its end, a symlink to a directory stands for the directory.
  std::string for_system() const { return directory ? path + "/." : path; }
};
Result<CopyPath> parse_copy_path(std::string_view text);

/// The kind of file at a path. A symlink to a directory counts as a directory if it is the target or ends in a slash.
enum class Found { nothing, file, directory };

/// The place of a source's copy: `name` in `directory`. The name is "." if the files in the source go into `directory`
/// itself.
struct Landing {
  std::string directory, name;
  bool named = false;  ///< the place is the target itself, not a name inside the target

  std::string path() const { return directory + "/" + name; }
};
enum class Sources { one, several };
/// The rule of cp -r. In an existing directory, the copy has the source's name. Otherwise the copy has the target's
/// name. With `/.`, the files in the source go into the target itself. Several sources require a directory.
/// `target_is` is the kind of the existing target, behind symlinks.
Result<Landing> landing_of(const CopyPath& source, Found source_is, const CopyPath& target, Found target_is,
                           Sources sources);

struct CopyOptions {
  bool follow_links = false;        ///< what symlinks lead to is copied instead of the symlinks
  bool replace_attributes = false;  ///< a file that exists gets the owner and mode of a new one, and not its own
  bool keep_owner = false;  ///< in a guest, the numeric owners are those of the source; otherwise root owns the files
};

/// Copies every source to the target. Ctrl-C ends it with `cancelled` and leaves no temporary files. Names what cannot
/// be copied on standard error, copies the rest, and then fails with `unsupported`.
Result<> copy_all(Io& io, const std::vector<CopyPath>& sources, const CopyPath& target, const CopyOptions& options);

/// Unpacks the tar on standard input, also a compressed one, into an existing directory of a guest.
Result<> copy_from_input(Io& io, const CopyPath& target, const CopyOptions& options);
/// Writes a file or tree of a guest to standard output as a tar.
Result<> copy_to_output(Io& io, const CopyPath& source, const CopyOptions& options);

}  // namespace banger::roles::cli
