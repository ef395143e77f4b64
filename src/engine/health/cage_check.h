// The check of doctor for the cage of QEMU (src/machine/qemu/cage.h).
#pragma once

#include "capabilities/resource.h"
#include "host/prove_confinement.h"
#include "machine/qemu/qemu.h"

namespace banger::engine {

/// A pure function. A part that does not hold is a warning: VMs run without it.
capabilities::Check cage_check(const machine::qemu::QemuFacts& qemu, const host::Confinement& host);

}  // namespace banger::engine
