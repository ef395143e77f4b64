// One line to a server on a Unix socket, one line back. For the small servers beside the daemon: the root helper, the
// one of a private network, and the gate.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::engine {

struct LineServer {
  std::string socket;
  uid_t user;        ///< who must serve it
  std::string name;  ///< "the root helper", for errors
  std::string hint;  ///< where its log is
};

struct LineAnswer {
  std::string line;  ///< without its newline
  std::vector<UniqueFd> fds;
};

/// `request` ends with a newline and fits the socket's buffer, or waits for the server for limits::kLineSendPatience.
/// `denied` when another user serves the socket, because that user would learn the request and could send any
/// descriptors. `timeout`, `unavailable`, and `invalid` for an answer beyond `most_bytes`.
Task<Result<LineAnswer>> exchange_lines(host::Runtime& runtime, LineServer server, std::string request,
                                        std::size_t most_bytes, host::Deadline deadline);

}  // namespace banger::engine
