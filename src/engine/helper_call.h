// One call of a server that runs operations (rpc/helper_protocol.h): the root helper, or the one in a private network.
#pragma once

#include <string>

#include "capabilities/privileged.h"
#include "host/runtime.h"

namespace banger::engine {

struct HelperServer {
  std::string socket;
  uid_t user;        ///< who must serve it
  std::string name;  ///< "the root helper", for errors
  std::string hint;  ///< where its log is
};

/// `denied` when another user serves the socket, because that user would learn the request and could send any
/// descriptors. `timeout`, `unavailable` and the operation's own errors.
Task<Result<capabilities::PrivilegedReply>> call_helper(host::Runtime& runtime, HelperServer server,
                                                        std::string operation, std::string arguments);

}  // namespace banger::engine
