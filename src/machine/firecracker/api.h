// Firecracker's API, with one connection for each request. Firecracker serves requests one after the other anyway. The
// end of a connection proves that its request gets no answer.
#pragma once

#include "host/runtime.h"
#include "machine/firecracker/api_message.h"

namespace banger::machine::firecracker {

/// Sends one request to the socket `name` in `directory` and waits for the answer, of any status. `unavailable` when no
/// process listens or the process ends before the answer, `timeout` after the deadline. Firecracker may still act on
/// the request after a timeout.
Task<Result<ApiReply>> ask(host::Runtime& runtime, std::string directory, std::string_view name, ApiRequest request,
                           host::Deadline deadline);

/// As `ask`, but a status of 400 or more is an error that names method and path. Returns the body of the answer.
Task<Result<std::string>> call(host::Runtime& runtime, std::string directory, std::string_view name, ApiRequest request,
                               host::Deadline deadline);

}  // namespace banger::machine::firecracker
