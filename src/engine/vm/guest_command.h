// Runs a command in a guest for the daemon itself, without input.
#pragma once

#include <string>
#include <vector>

#include "host/runtime.h"
#include "link/link.h"

namespace banger::engine {

/// Returns the exit code in a shell's convention. Discards all output. A `timeout` closes the client.
Task<Result<int>> run_in_guest(host::Runtime& runtime, link::Client& client, std::vector<std::string> argv,
                               host::Deadline deadline);

}  // namespace banger::engine
