// The command line of bangerd-net, which only the daemon writes.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "host/namespaces.h"
#include "net/bridge.h"

namespace banger::roles::network {

struct Options {
  std::string socket;  ///< where the server listens
  std::string lock;    ///< held with flock(2) by the keeper, and has its pid, and that of the server
  net::Bridge bridge;  ///< the only one that operations make
  std::optional<host::Namespaces> network;  ///< of an earlier keeper; nullopt: a new one
  UniqueFd ready;                           ///< gets "ok", or the reason why there is no network
};
Result<Options> parse_options(std::span<char* const> arguments);

}  // namespace banger::roles::network
