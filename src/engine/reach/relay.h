// Bytes between a caller's raw connection and a stream into the guest, unread.
#pragma once

#include <memory>

#include "link/link.h"
#include "rpc/server.h"

namespace banger::engine {

/// What the end of the caller's bytes means.
enum class OnCallerEnd {
  reset,    ///< exec: a client that goes away ends its command
  ignore,   ///< downloads: it has nothing to say; it is gone when it cannot be written to
  pass_on,  ///< tunnels: the guest is told, and may go on talking; each direction ends by itself
};

/// Pumps both ways until the guest's side ends (then the caller's is shut down) or either breaks; a tunnel until both
/// sides have ended, either breaks, or one has ended and nothing came from the other for limits::kForwardHalfOpen.
/// Frees both.
Task<> relay(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> caller, std::shared_ptr<link::ClientStream> guest,
             OnCallerEnd on_end);

}  // namespace banger::engine
