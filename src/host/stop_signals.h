// How a small server without an event loop learns that it must end.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// Blocks SIGTERM and SIGINT for this thread and its later children. The descriptor is readable when one has arrived.
Result<UniqueFd> stop_signals();

}  // namespace banger::host
