// Who may write to the stores of images and kernels. VMs boot what is there, so only their owner and root may.
#pragma once

#include "host/paths.h"

namespace banger::image {

/// `denied`, with a hint, when another user can write to a store or to a directory of banger above it. The directories
/// of single images and kernels count too.
Result<> check_stores(const host::Paths& paths);

/// The same, but takes the right to write away from other users where the directory is this user's own.
Result<> guard_stores(const host::Paths& paths);

}  // namespace banger::image
