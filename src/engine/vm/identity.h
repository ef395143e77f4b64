// Makes a running guest this guest: its config, its clock, the sizes of its disks. For what went on from a saved state,
// and again whenever what a guest should know has changed.
#pragma once

#include <cstdint>
#include <string>

#include "guestcfg/guest_config.h"
#include "host/runtime.h"
#include "link/link.h"
#include "machine/machine.h"
#include "vm/spec.h"

namespace banger::engine {

/// Whether the guest has to grow the file systems on its disks.
enum class Disks { unchanged, grown };
/// Whether the guest's clock is known to be right.
enum class Clock { sure, unsure };

/// The disks' files have their size already; the guest's kernel still goes by the sizes of `saved`.
Task<Result<Disks>> grow_drives(machine::Machine& machine, const vm::Spec& wanted, const vm::Spec& saved);

/// `guest` was made at the last moment: it carries the time.
Task<Result<Clock>> configure(link::Client& client, guestcfg::GuestConfig guest, Disks disks);

/// `answer` is what the guest said to a request that was sent at `asked_ns` and set its clock to that time. The clock
/// is moved until it is surely right, or for long enough.
Task<Result<Clock>> set_clock(link::Client& client, std::string answer, std::int64_t asked_ns);

/// Runs what every first command runs, so that the machine has it translated (TCG) and cached.
Task<> warm_up(host::Runtime& runtime, link::Client& client);

}  // namespace banger::engine
