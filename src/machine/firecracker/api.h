// Firecracker's API: one connection for each request, because it serves all of them one after the other anyway, and a
// connection that ends says that nothing will come of that request.
#pragma once

#include "host/runtime.h"
#include "machine/firecracker/api_message.h"

namespace banger::machine::firecracker {

/// Sends one request to the socket `name` in `directory` and waits for the answer, whatever its status. `unavailable`
/// when nobody listens or the process ends meanwhile, `timeout` after the deadline: it may still be done then.
Task<Result<ApiReply>> ask(host::Runtime& runtime, std::string directory, std::string_view name, ApiRequest request,
                           host::Deadline deadline);

/// The same, where a status of 400 or more is an error that names method and path. The value is the answer's body.
Task<Result<std::string>> call(host::Runtime& runtime, std::string directory, std::string_view name, ApiRequest request,
                               host::Deadline deadline);

}  // namespace banger::machine::firecracker
