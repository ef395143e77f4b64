// The console is a log: the kernel, init and the image's init write to it. Nobody types there, so no login waits on it.
#include "capabilities/capability.h"

namespace banger::capabilities {

namespace {

// An image without udev never announces the devices of terminals to systemd, which then delays the boot by 90 s for
// each.
constexpr std::string_view kMasked[] = {"serial-getty@ttyS0.service", "serial-getty@hvc0.service", "getty@tty1.service",
                                        "console-getty.service", "dev-ttyS0.device"};

Result<> add_to_guest(const VmContext&, guestcfg::GuestConfig& config) {
  for (std::string_view name : kMasked)
    config.units.push_back({.name = std::string(name), .action = guestcfg::Unit::Action::mask});
  return {};
}

}  // namespace

extern const Capability console;
constinit const Capability console = {.name = "console", .guest = add_to_guest};

}  // namespace banger::capabilities
