// The gate between guests and the outside, for guests with an egress policy. Enforcement is a process of its own
// (roles/gate); this is what the daemon's parts see of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "egress/policy.h"
#include "host/endpoint.h"
#include "host/namespaces.h"
#include "net/bridge.h"
#include "net/gate_ports.h"
#include "vm/secret.h"

namespace banger::capabilities {

class EgressGate {
 public:
  virtual ~EgressGate() = default;

  /// A bridge, and the private network that it is in; null: this host's network.
  struct Place {
    net::Bridge bridge;
    std::shared_ptr<const host::Namespaces> network;
    std::optional<host::Endpoint> proxy = {};  ///< where the relay to the host's proxy listens
  };
  /// Starts the gate of that bridge, or finds the one of an earlier daemon. Returns where the firewall has to send the
  /// packets of guests with a policy. Repeatable.
  virtual Task<Result<net::GatePorts>> open(Place place) = 0;

  /// One guest with a policy. The gate puts the values of the secrets into its requests.
  struct Guest {
    net::Ipv4 address;
    egress::Policy policy;
    std::vector<vm::Secret> secrets = {};
  };
  /// From now on the guest at that address has that policy. REQUIRES: open().
  virtual Task<Result<>> set(std::string vm_id, Guest guest) = 0;
  /// The values of the VM's secrets have changed. Does nothing for a guest without a policy.
  virtual Task<Result<>> renew(std::string vm_id) = 0;
  /// The addresses of this host, which only a rule for exactly one of them opens.
  virtual Task<Result<>> set_host(std::vector<net::Ipv4> addresses) = 0;
  /// The guest has no policy any more, or has ended. Its log stays. Connections that the policy has allowed end.
  virtual Task<> clear(std::string vm_id) = 0;
  /// Drops the log too, because the VM is gone.
  virtual Task<> forget(std::string vm_id) = 0;

  /// What the guest reached and tried to reach: `{"rows": [row…], "sequence": N, "forgotten": N, "more": bool}` with
  /// the rows of egress/log.h that changed after `since`; `more` where not all of them fit. Without a gate, or for a VM
  /// that never had a policy: no rows.
  virtual Task<Result<std::string>> log(std::string vm_id, std::uint64_t since) = 0;

  /// Ends the gate. No guest has a policy any more.
  virtual Task<> close() = 0;
};

}  // namespace banger::capabilities
