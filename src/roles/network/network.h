// The network keeper's role: `bangerd-net`. It keeps a user's private network for VMs, which is a network namespace in
// a user namespace. There it runs the operations for bridges that the root helper runs elsewhere.
//
//   keeper    in the host's namespaces, without any rights: starts the other two again when they end
//   server    in the private network, with CAP_NET_ADMIN there: runs operations for its own user's daemon
//   pasta     the way out, a program of its own (passt(1)): the host's loopback is not reachable through it
//
// The keeper outlives the daemon, and ends at SIGTERM. If the keeper is killed, the other two end as well. Then
// machines in the network hold the network until a new keeper joins it.
#pragma once

namespace banger::roles::network {

int run(int argc, char** argv);

}  // namespace banger::roles::network
