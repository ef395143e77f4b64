// What a prepare must know of a guest's tree, told by the agent. That is the record of the last prepare, the
// references, and those files that are no longer as they were prepared. Files that have not changed since the last
// report are not read again (stat_cache.h). So a second prepare needs no copy of the tree. Blocking.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workspace/guest_tree.h"

namespace banger::workspace {

// -- in the guest

/// The report about the tree at `path`. `exhausted` for a tree with too many files: the host reads it then.
Result<std::string> report_tree(const std::string& path);

/// The states of these files of the tree, zero bytes between them; for files that were not prepared.
Result<std::string> report_files(const std::string& path, std::string_view names);

/// Right after an upload: what was sent needs no reading by the next report. The list of it is part of the upload.
Result<> confirm_upload(const std::string& path);

// -- on the host; the text is hostile

/// The tree as far as a prepare looks at it: `files` has the files that were prepared, as they are now. A tree that is
/// not there is empty. `corrupt` for anything but a whole report.
Result<GuestTree> read_tree_report(std::string_view text);

/// The states of files, as report_files() tells them.
Result<FileStates> read_files_report(std::string_view text);

}  // namespace banger::workspace
