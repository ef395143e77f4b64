// What VMMs have in their machine's directory, by name. Relative to MachineConfig::directory, in which they run.
#pragma once

#include <string_view>

namespace banger::machine {

// Kept from one start to the next.
inline constexpr std::string_view kConsoleLog = "console.log";  ///< what the guest has said
inline constexpr std::string_view kMachineLogName = "machine.log";
inline constexpr std::string_view kFirecrackerLog = "firecracker.log";

// Of one start.
inline constexpr std::string_view kInitrdFile = "initrd.img";
inline constexpr std::string_view kQmpSocket = "qmp.sock", kLinkSocket = "agent.sock";   ///< QEMU's
inline constexpr std::string_view kApiSocket = "api.sock", kVsockSocket = "vsock.sock";  ///< Firecracker's

}  // namespace banger::machine
