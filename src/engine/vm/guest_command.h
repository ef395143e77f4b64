// Running a command in a guest for the daemon itself, without input.
#pragma once

#include <string>
#include <vector>

#include "host/runtime.h"
#include "link/link.h"

namespace banger::engine {

/// The exit code as a shell has it. Output is thrown away. A `timeout` closes the client.
Task<Result<int>> run_in_guest(host::Runtime& runtime, link::Client& client, std::vector<std::string> argv,
                               host::Deadline deadline);

}  // namespace banger::engine
