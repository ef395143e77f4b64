// What the daemon asks of the gate, as JSON-RPC over a Unix socket:
//
//   gate.info      {}                      {"place", "pid", "tcp", "names_udp", "names_tcp"}
//   gate.set       {vm, address, policy, secrets}
//                                          {}    policy, secrets: as policy.h and secrets.h have them in JSON
//   gate.authority {key, subject}          {}    signs the certificates that guests see: PEM, a common name
//   gate.trust     {authorities}           {}    PEM of the CAs that servers outside may have certificates of
//   gate.host      {addresses}             {}    of the host: closed to guests whose rules do not name them
//   gate.clear     {vm}                    {}
//   gate.forget    {vm}                    {}
//   gate.log       {vm, since}             {"rows", "sequence", "forgotten", "more"}
//   gate.refusals  {after}                 {"refusals": [{"sequence", "vm", "sentence"}]}; waits for the first one
//   gate.end       {}                      {}    the process ends
#pragma once

#include <string>

#include "net/gate_ports.h"
#include "roles/gate/guests.h"
#include "rpc/server.h"

namespace banger::roles::gate {

struct Methods {
  host::Runtime& runtime;
  Guests& guests;
  std::string place;
  net::GatePorts ports;
};

/// `methods` is borrowed for the server's life.
void add_methods(rpc::Server& server, Methods& methods);

}  // namespace banger::roles::gate
