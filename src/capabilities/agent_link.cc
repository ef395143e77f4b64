// The secret of the link. The channel itself is a device of the VMM: a virtio-serial port or a vsock. link/link.h
// describes how the token opens the channel. The agent reads the token from the run directory.
#include "capabilities/capability.h"

namespace banger::capabilities {

namespace {

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  config.link_token = vm.link_token;
  return {};
}

Task<Result<>> started(const VmContext& vm, link::Client&, const Waiter&) {
  vm.log.info("vm.agent_ready", {{"vm", vm.name}, {"id", vm.id}});
  co_return Result<>();
}

}  // namespace

extern const Capability agent_link;
constinit const Capability agent_link = {.name = "agent_link", .guest = add_to_guest, .started = started};

}  // namespace banger::capabilities
