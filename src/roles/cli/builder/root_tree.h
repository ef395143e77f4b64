// A root file system in a directory of this host, as a tar for 'image import'.
#pragma once

#include <string>

#include "roles/cli/builder/spool.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

/// Packs what this process may read. Owners are kept by root. Of another user's tree, root owns all files, because that
/// user could not have made others. `denied`, with the path, for a file that cannot be read. `exhausted` when the disk
/// of the cache becomes too full, and `cancelled` after a signal.
Result<Spool> pack_root_tree(const Io& io, const Signals& signals, const std::string& directory);

}  // namespace banger::roles::cli
