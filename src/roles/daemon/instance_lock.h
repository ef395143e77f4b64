// One daemon per owner and state directory.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::daemon {

/// Held for as long as the descriptor lives, freed by the kernel however the process ends. `exists` when another daemon
/// has it.
Result<UniqueFd> take_instance_lock(const std::string& path);

}  // namespace banger::roles::daemon
