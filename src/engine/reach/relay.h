// Passes bytes between a caller's raw connection and a stream into the guest, without reading them.
#pragma once

#include <memory>

#include "link/link.h"
#include "rpc/server.h"

namespace banger::engine {

/// What happens at the end of the caller's bytes.
enum class OnCallerEnd {
  reset,    ///< exec: the end of the client ends its command
  ignore,   ///< downloads: the caller sends nothing; a failed write shows that the caller is gone
  pass_on,  ///< tunnels: the guest gets the end and may keep sending; each direction ends separately
};

/// Copies bytes in both directions until the guest's side ends or either side breaks. Then shuts down the caller's side
/// and frees both streams.
///
/// A tunnel (`pass_on`) runs until both sides have ended, either side breaks, or the caller is gone, however long it is
/// quiet. Its caller gets the guest's end as a write of no bytes before the shutdown. If neither comes before the
/// caller is freed, the guest's side has broken, and the caller must not take the end for a whole one.
Task<> relay(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> caller, std::shared_ptr<link::ClientStream> guest,
             OnCallerEnd on_end);

}  // namespace banger::engine
