// What works on this host and what does not, with a way out for each: the same checks the daemon relies on.
#pragma once

#include <string>
#include <vector>

#include "engine/services.h"

namespace banger::engine {

using capabilities::Check;
using capabilities::CheckStatus;

/// What doctor may rely on.
enum class Verdicts {
  kept,   ///< whether KVM runs guests is found out once per boot of the host, and remembered
  fresh,  ///< it is found out again
};

/// May take limits::kKvmProbeDeadline when KVM is tried.
Task<std::vector<Check>> run_doctor(Services& services, Verdicts verdicts);

}  // namespace banger::engine
