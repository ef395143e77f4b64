// The egress policies of guests on the bridge: which guests are gated, and with which policy.
#pragma once

#include <set>
#include <string>

#include "capabilities/bridge/device.h"
#include "capabilities/bridge/guest_proxy.h"
#include "capabilities/resource_host.h"
#include "net/ruleset.h"

namespace banger::capabilities {

/// Which connections of a guest go to the gate, and the gate's ports if some do.
struct GateChoice {
  net::Gated gated = net::Gated::none;
  net::GatePorts ports = {};
};

class Gating {
 public:
  Gating(const ResourceHost& host, const BridgeDevice& device, const GuestProxy& proxy)
      : host_(host), device_(device), proxy_(proxy) {}

  /// `unsupported`, with a way out, for a policy that the VM's network cannot enforce.
  Result<> check(const vm::Spec& spec) const;
  /// Whether only a bridge can enforce the VM's policy.
  bool needs_bridge(const vm::Spec& spec) const;

  /// Gives the gate the guest's policy. Belongs before `nat.set`, so that no connection meets a gate without the
  /// policy. REQUIRES: the bridge is made.
  Task<Result<GateChoice>> prepare(std::string vm_id, net::Ipv4 address, const vm::Spec& spec);
  /// Belongs after `nat.set`: a guest that is not gated any more has no policy in the gate.
  Task<> settle(std::string vm_id, const vm::Spec& spec);
  /// The guest has ended.
  Task<> release(std::string vm_id);
  /// The VM was deleted.
  void forget(const std::string& vm_id);

 private:
  ResourceHost host_;
  const BridgeDevice& device_;
  const GuestProxy& proxy_;
  std::set<std::string> known_;  ///< VMs that the gate has heard of
};

}  // namespace banger::capabilities
