// The host's proxy for guests, where their owner asks for it: variables for the guest's programs. On a bridge they lead
// to a relay of the daemon (relay.h), which knows the proxy's password.
#include "capabilities/capability.h"
#include "capabilities/host_proxy/settings.h"
#include "net/ipv4.h"

namespace banger::capabilities {

namespace {

// "172.16.0.5/24"
net::Range range_of(const std::string& address) {
  auto slash = address.find('/');
  auto ip = net::parse_ipv4(address.substr(0, slash));
  auto prefix = slash == address.npos ? 32ul : std::stoul(address.substr(slash + 1));
  return net::Range::around(ip.value_or(0), static_cast<std::uint32_t>(prefix));
}

Variables variables_of(const VmContext& vm) {
  if (!vm::reaches_outside(vm.spec)) return {};
  if (!vm.port) return variables_for_user_network(vm.proxy);
  return vm.port->proxy.empty() ? Variables{}
                                : variables_for_relay(vm.proxy, vm.port->proxy, range_of(vm.port->address));
}

// Before the image's variables, because its maker did not know this host.
Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  for (auto& [name, value] : variables_of(vm)) config.environment.emplace(name, value);
  return {};
}

}  // namespace

extern const Capability host_proxy;
constinit const Capability host_proxy = {.name = "host_proxy", .guest = add_to_guest};

}  // namespace banger::capabilities
