// What is asked of Firecracker, as data: pure functions from a MachineConfig to API requests, so that tests can read
// them and hold them against the API's description.
#pragma once

#include <vector>

#include "machine/firecracker/api_message.h"
#include "machine/firecracker/version.h"
#include "machine/machine.h"

namespace banger::machine::firecracker {

/// A network device: a tap on the host that exists already.
struct Tap {
  std::string iface_id;  ///< letters and digits
  std::string host_dev_name;
  std::string mac;
};

/// The name of the drive at that place of MachineConfig::drives: its id, and the name of the link in the machine's
/// directory that leads to its file.
std::string drive_name(std::size_t index);

/// The taps of a config, in guest order. `unsupported` for a user-mode network that reaches anything: Firecracker has
/// none. A device that reaches nothing is left out, for it would be of no use.
Result<std::vector<Tap>> taps_of(const MachineConfig& config);

/// `invalid` for what no Firecracker takes.
Result<> check(const MachineConfig& config);

/// From a fresh process to a running guest, in order.
std::vector<ApiRequest> boot_requests(const MachineConfig& config, const std::vector<Tap>& taps,
                                      const Version& version);
/// From a fresh process to a guest that stands still where it was saved. A failure ends the process. `unsupported`
/// when this version cannot give the saved network devices other taps. REQUIRES: config.restore
Result<std::vector<ApiRequest>> restore_requests(const MachineConfig& config, const std::vector<Tap>& taps,
                                                 const Version& version);

/// PUT /network-interfaces/ID: everything a tap needs.
ApiRequest add_tap(const Tap& tap);
ApiRequest pause_vm();
ApiRequest resume_vm();
ApiRequest action(std::string_view name);
ApiRequest create_snapshot(const SavedState& to);
/// The file of the drive has another size.
ApiRequest reopen_drive(std::size_t index);

}  // namespace banger::machine::firecracker
