// What the guest's kernel has printed on its console since the machine started. A guest can print these lines at any
// time, so they prove nothing about a guest that still answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "machine/machine.h"

namespace banger::machine {

/// The size of the console's log, for MachineRecord::console_from.
std::uint64_t console_size(const std::string& directory);
/// Whether the last line is that of a halted kernel. The processors then stand still for ever, and the VMM goes on.
bool has_halted(const MachineRecord& record);
/// The reason of a kernel panic: "sysrq triggered crash". Empty: the kernel reported no panic.
std::string panic_of(const MachineRecord& record);
/// The end of a guest whose machine ended while nobody looked, by the last line. nullopt: the line tells no end.
std::optional<MachineExit> end_on_console(const MachineRecord& record);
/// The end of a machine whose guest has reset it: a reboot, or the end of a kernel after its panic.
MachineExit end_of_reset(const MachineRecord& record);

}  // namespace banger::machine
