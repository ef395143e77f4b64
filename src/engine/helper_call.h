// One call of a server that runs operations (rpc/helper_protocol.h): the root helper, or the one in a private network.
#pragma once

#include <string>

#include "capabilities/privileged.h"
#include "engine/line_exchange.h"

namespace banger::engine {

/// The errors of exchange_lines(), and the operation's own.
Task<Result<capabilities::PrivilegedReply>> call_helper(host::Runtime& runtime, LineServer server,
                                                        std::string operation, std::string arguments);

}  // namespace banger::engine
