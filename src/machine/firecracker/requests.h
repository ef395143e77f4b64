// The requests to Firecracker, as data: pure functions from a MachineConfig to API requests. Tests can read the
// requests and compare them with the API's description.
#pragma once

#include <vector>

#include "machine/firecracker/api_message.h"
#include "machine/firecracker/version.h"
#include "machine/machine.h"

namespace banger::machine::firecracker {

/// A network device: an existing tap of the host.
struct Tap {
  std::string iface_id;  ///< letters and digits
  std::string host_dev_name;
  std::string mac;
};

/// The name of the drive at that index of MachineConfig::drives. It is the drive's id, and also the name of the link in
/// the machine's directory that leads to the file.
std::string drive_name(std::size_t index);

/// The taps of a config, in guest order. `unsupported` for a user-mode network that reaches anything, which Firecracker
/// lacks. A device that reaches nothing is left out, because it would be useless.
Result<std::vector<Tap>> taps_of(const MachineConfig& config);

/// `invalid` for values that no Firecracker accepts.
Result<> check(const MachineConfig& config);

/// The requests that turn a new process into a running guest, in order.
std::vector<ApiRequest> boot_requests(const MachineConfig& config, const std::vector<Tap>& taps,
                                      const Version& version);
/// The requests that turn a new process into a guest that is paused where it was saved. A failure ends the process.
/// `unsupported` when this version cannot give other taps to the saved network devices. REQUIRES: config.restore
Result<std::vector<ApiRequest>> restore_requests(const MachineConfig& config, const std::vector<Tap>& taps,
                                                 const Version& version);

/// PUT /network-interfaces/ID: the one request that a tap needs.
ApiRequest add_tap(const Tap& tap);
ApiRequest pause_vm();
ApiRequest resume_vm();
ApiRequest action(std::string_view name);
ApiRequest create_snapshot(const SavedState& to);
/// Makes Firecracker use the new size of a drive's file.
ApiRequest reopen_drive(std::size_t index);
/// Limits so many drives. Firecracker limits each on its own, so each gets an equal share.
std::vector<ApiRequest> limit_drives(const DiskLimits& limits, std::size_t drives);

}  // namespace banger::machine::firecracker
