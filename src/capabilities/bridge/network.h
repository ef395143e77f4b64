// The host resource of VMs on the bridge: a lease, a tap, and the admission of the guest to its tap. Operations that
// need root go through Privileged. A lease lasts from the first acquire until the VM is deleted.
//
// While VMs are on the bridge, a few idle taps are kept ready, so that acquire costs one write to the store. The bridge
// is removed some time after the last VM, or with the daemon if no VM is on the bridge.
#pragma once

#include <memory>
#include <set>

#include "capabilities/bridge/gating.h"
#include "capabilities/bridge/guest_names.h"
#include "capabilities/bridge/guest_proxy.h"
#include "capabilities/bridge/host_addresses.h"
#include "capabilities/bridge/leases.h"
#include "capabilities/bridge/upkeep.h"

namespace banger::capabilities {

class BridgeNetwork final : public HostResource {
 public:
  explicit BridgeNetwork(const ResourceHost& host);

  std::string_view name() const override { return "bridge"; }
  Result<> load() override;
  /// `unavailable` when a bridge is requested and nobody can make one. A VM whose egress policy needs a bridge gets
  /// one, unless the user asked for another network. So does a VM with a limit of its bandwidth. An automatic choice is
  /// the bridge if banger is installed on the host and the kernel has bridges. It is also the bridge where there can be
  /// a private network.
  Task<Result<>> resolve(vm::NetworkChoice asked, vm::Spec& spec) override;
  Result<> check(const vm::Spec& spec) const override;
  /// Gives the VM a tap and an address. The tap drops all packets until `admit`.
  Task<Result<>> acquire(const VmContext& vm, machine::MachineConfig& config) override;
  Task<Result<>> admit(std::string vm_id, const vm::Spec& spec) override;
  Task<Result<TakesEffect>> change(std::string vm_id, const vm::Spec& before, const vm::Spec& after) override;
  Task<> release(std::string vm_id) override;
  void forget(const std::string& vm_id) override;
  std::vector<std::string> holders() const override { return taps_.holders(); }
  std::optional<std::string> address(std::string_view vm_id, const vm::Spec& spec) const override;
  std::optional<NetworkPort> port(std::string_view vm_id) const override;
  std::vector<Leftover> leftovers() override;
  Task<Result<>> remove(Leftover leftover) override;
  Task<std::vector<Check>> checks() override;
  Task<> run(host::Foreground& foreground) override { return upkeep_.run(foreground); }
  Task<> close() override;

 private:
  struct Port {
    std::uint32_t tap;
    net::Ipv4 address;
    UniqueFd fd;
  };
  Task<Result<Port>> attach(std::string vm_id);
  /// Closes or opens the LAN to that address, once in each private network.
  Task<Result<>> limit_lan(net::Ipv4 address);
  /// Makes the bridge, the relay to the host's proxy on it, and in a private network the name server.
  Task<Result<>> ensure();

  ResourceHost host_;
  Leases leases_;
  BridgeDevice device_;
  Taps taps_;
  IdleTaps idle_;
  BridgeUpkeep upkeep_;
  GuestNames names_;
  GuestProxy proxy_;
  Gating gating_;
  HostAddresses host_addresses_;
  std::shared_ptr<const host::Namespaces> limited_in_;  ///< the private network in which these addresses were limited
  std::set<net::Ipv4> limited_;
};

}  // namespace banger::capabilities
