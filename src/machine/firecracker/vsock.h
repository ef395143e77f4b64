// A connection from the host to a vsock port of the guest, through Firecracker's socket.
// Source: Firecracker's docs/vsock.md.
#pragma once

#include "host/runtime.h"

namespace banger::machine::firecracker {

/// Tries once. `unavailable` when the guest does not listen on that port yet, `timeout` when Firecracker does not
/// answer before the deadline.
Task<Result<UniqueFd>> connect_vsock(host::Runtime& runtime, std::string directory, std::uint32_t port,
                                     host::Deadline deadline);

}  // namespace banger::machine::firecracker
