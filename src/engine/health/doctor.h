// Checks what works on this host, with a hint for each failure. The daemon relies on the same checks.
#pragma once

#include <string>
#include <vector>

#include "engine/services.h"

namespace banger::engine {

using capabilities::Check;
using capabilities::CheckStatus;

/// Whether doctor uses the remembered KVM verdicts.
enum class Verdicts {
  kept,   ///< uses the verdict of this boot of the host, if there is one
  fresh,  ///< runs the KVM probe again
};

/// Takes up to limits::kKvmProbeDeadline when the KVM probe runs.
Task<std::vector<Check>> run_doctor(Services& services, Verdicts verdicts);

}  // namespace banger::engine
