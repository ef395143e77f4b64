// `vm cp` without its command line: which side is where, what a target means, and moving trees as tar over vm.put_files
// and vm.get_files.
#pragma once

#include <string>
#include <vector>

#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// One end of a copy. `VM:PATH` is in a guest (relative to /root); anything with a '/' before the first ':' is local.
struct CopyPath {
  std::string vm;          ///< empty: this host
  std::string path;        ///< without trailing slashes or `/.`
  bool contents = false;   ///< it ended in `/.`: what is inside, not the directory itself
  bool directory = false;  ///< it ended in a slash: must be a directory

  std::string name() const;    ///< last component
  std::string parent() const;  ///< without it; "/" or "." at the top
  std::string text() const;    ///< for messages
};
Result<CopyPath> parse_copy_path(std::string_view text);

/// What is at a path. A symlink to a directory is a directory where it is the target, or ends in a slash.
enum class Found { nothing, file, directory };

/// Where a source lands: in `directory`, called `name`, which is "." for contents that go into the directory itself.
struct Landing {
  std::string directory, name;
  bool named = false;  ///< it is the target itself, and not a name inside of it

  std::string path() const { return directory + "/" + name; }
};
/// The rule of cp -r and docker cp: into an existing directory, else renamed; contents go into the target itself.
/// `several` sources need a directory. `target_is` is what is there now, behind symlinks.
Result<Landing> landing_of(const CopyPath& source, Found source_is, const CopyPath& target, Found target_is,
                           bool several);

/// Copies every source to the target. Ctrl-C ends it with `cancelled` and leaves no temporary files.
Result<> copy_all(Io& io, const std::vector<CopyPath>& sources, const CopyPath& target);

}  // namespace banger::roles::cli
