// The limit of processes that the guest's agent keeps. The limits of disks and network are the VMM's and the host's.
#include "capabilities/capability.h"

namespace banger::capabilities {

namespace {

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  config.pids = vm.spec.pids;
  return {};
}

}  // namespace

extern const Capability guest_limits;
constinit const Capability guest_limits = {.name = "guest_limits", .guest = add_to_guest};

}  // namespace banger::capabilities
