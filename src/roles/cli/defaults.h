// The facts about this host that --help shows.
#pragma once

#include "roles/cli/help.h"

namespace banger::roles::cli {

/// The default sizes of a new VM, from the config and the host. Asks no daemon. If the config cannot be read, the
/// function resolves nothing and prints nothing: the daemon reports that error.
ResolveDefault resolve_defaults(const Io& io);

/// The width of help in columns: the width of the terminal, at most 100.
std::size_t help_width(const Io& io);

}  // namespace banger::roles::cli
