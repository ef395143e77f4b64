// Names of the files in a machine's directory, relative to MachineConfig::directory. VMMs run in that directory.
#pragma once

#include <string_view>

namespace banger::machine {

// Kept from one start to the next.
inline constexpr std::string_view kConsoleLog = "console.log";  ///< the output of the guest's console
inline constexpr std::string_view kMachineLogName = "machine.log";
inline constexpr std::string_view kFirecrackerLog = "firecracker.log";

// Of one start.
inline constexpr std::string_view kInitrdFile = "initrd.img";
inline constexpr std::string_view kQmpSocket = "qmp.sock", kLinkSocket = "agent.sock";   ///< QEMU's
inline constexpr std::string_view kApiSocket = "api.sock", kVsockSocket = "vsock.sock";  ///< Firecracker's

}  // namespace banger::machine
