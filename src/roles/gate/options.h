// The command line of bangerd-gate, which only the daemon writes.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "net/gate_sockets.h"
#include "net/ipv4.h"
#include "roles/gate/names.h"

namespace banger::roles::gate {

struct Options {
  UniqueFd control;  ///< a Unix socket that listens for the daemon
  net::GateSockets sockets;
  net::Range peers;                     ///< the bridge's network
  NameServers servers;                  ///< at least one outside
  std::optional<host::Endpoint> proxy;  ///< where the relay to the host's proxy listens
  std::string place;                    ///< any text, told to the daemon: which bridge this is
};
Result<Options> parse_options(std::span<char* const> arguments);

}  // namespace banger::roles::gate
