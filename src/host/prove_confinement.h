// Whether this host confines processes as a SpawnSpec asks: a thread is confined in the same ways, and tries what it
// may not do.
#pragma once

#include "base/result.h"

namespace banger::host {

/// An error says why that part does not hold.
struct Confinement {
  Result<> no_new_privileges;
  Result<> system_calls;                                           ///< the filter vmm_system_calls()
  Result<int> landlock = fail(ErrorCode::unsupported, "untried");  ///< the version
};

/// Blocks for less than a millisecond.
Confinement prove_confinement();

}  // namespace banger::host
