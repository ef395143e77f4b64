// What works on this host and what does not, with a way out for each: the same checks the daemon relies on.
#pragma once

#include <string>
#include <vector>

#include "roles/daemon/services.h"

namespace banger::roles::daemon {

enum class CheckStatus { pass, warn, fail };

struct Check {
  std::string name;
  CheckStatus status;
  std::string detail;
  std::string hint;
};

/// May take limits::kKvmProbeDeadline when KVM was never probed on this boot.
Task<std::vector<Check>> run_doctor(Services& services);

}  // namespace banger::roles::daemon
