// What --help needs to know of this host.
#pragma once

#include "roles/cli/help.h"

namespace banger::roles::cli {

/// The sizes a new VM gets here, from the configuration file and the host; asks no daemon. Says nothing when the
/// configuration cannot be read: the daemon will.
ResolveDefault resolve_defaults(const Io& io);

/// Columns for help: the terminal's, at most 100.
std::size_t help_width(const Io& io);

}  // namespace banger::roles::cli
