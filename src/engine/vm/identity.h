// Gives a running guest its identity: its config, its clock and the sizes of its disks. A guest from a saved state
// needs an identity once. Every guest needs a new config when its config has changed.
#pragma once

#include <cstdint>
#include <string>

#include "guestcfg/guest_config.h"
#include "host/runtime.h"
#include "link/link.h"
#include "machine/machine.h"
#include "vm/spec.h"

namespace banger::engine {

/// Whether the guest must grow the file systems on its disks.
enum class Disks { unchanged, grown };
/// Whether the guest's clock is certainly right.
enum class Clock { sure, unsure };

/// Informs the guest's kernel of the sizes in `wanted`. The files have these sizes already, while the kernel still uses
/// the sizes in `saved`.
Task<Result<Disks>> grow_drives(machine::Machine& machine, const vm::Spec& wanted, const vm::Spec& saved);

/// Make `guest` immediately before this call, because it contains the current time.
Task<Result<Clock>> configure(link::Client& client, guestcfg::GuestConfig guest, Disks disks);

/// Corrects the guest's clock until the clock is certainly right, or until all attempts are used. `answer` is the
/// guest's reply to a request that was sent at `asked_ns` and that set the guest's clock to that time.
Task<Result<Clock>> set_clock(link::Client& client, std::string answer, std::int64_t asked_ns);

/// Sets the clock of a guest that stood still while its machine was paused.
Task<Result<Clock>> correct_clock(link::Client& client);

/// Runs the code that every first command runs, so that the machine has this code translated (TCG) and cached.
Task<> warm_up(host::Runtime& runtime, link::Client& client);

}  // namespace banger::engine
