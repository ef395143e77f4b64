// The second half of a download. The files have arrived completely in a stage, and now move to their places.
#pragma once

#include <string>

#include "host/recorded_directory.h"
#include "roles/cli/copy.h"
#include "roles/cli/copy_report.h"

namespace banger::roles::cli {

/// Makes a stage from which a rename reaches the landing. If no rename is possible, the stage is in the user's cache.
/// The state directory has a record of it, so that the next copy removes what a killed process left.
Result<host::RecordedDirectory> stage_for(Io& io, const Landing& landing);

/// Moves `arrived`, which is inside `stage`, to the landing. Reports what an existing object prevents.
Result<> put_in_place(host::RecordedDirectory stage, const std::string& arrived, const Landing& landing,
                      const CopyOptions& options, CopyReport& report);

/// Moves `from` to `to`, merges directories and replaces files. A file that replaces another one has its owner and
/// mode, unless `options.replace_attributes`. Never follows a symlink. A device or a file with several names stays and
/// gets the new content. `exists` when a file would have to become another kind of file. Below `to`, such a file is
/// reported, and the others are moved.
Result<> merge_move(const std::string& from, const std::string& to, const CopyOptions& options, CopyReport& report);

}  // namespace banger::roles::cli
