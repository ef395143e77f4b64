// Reading and writing one stream from coroutines, the same on both ends.
#pragma once

#include <memory>
#include <string>

#include "link/session.h"

namespace banger::link {

/// A stream's handle. It keeps its session and state alive, in any order of destruction, and its destruction abandons
/// the stream.
class StreamEnd {
 public:
  StreamEnd(std::shared_ptr<Session> session, std::shared_ptr<StreamState> state)
      : session(std::move(session)), state(std::move(state)) {}
  ~StreamEnd() { session->abandon(*state); }
  StreamEnd(const StreamEnd&) = delete;
  StreamEnd& operator=(const StreamEnd&) = delete;

  const std::shared_ptr<Session> session;
  const std::shared_ptr<StreamState> state;
};

// These functions take the parts and not the handle, so that the handle can be destroyed while they wait. They then
// fail with `cancelled`. After the deadline they fail with `timeout`.
using SessionPtr = std::shared_ptr<Session>;
using StatePtr = std::shared_ptr<StreamState>;

Task<Result<std::string>> read_some(SessionPtr session, StatePtr state,
                                    host::Deadline deadline = host::Deadline::max());
/// Returns when at most limits::kLinkQueueBytes are left unsent.
Task<Result<>> write_all(SessionPtr session, StatePtr state, std::string bytes,
                         host::Deadline deadline = host::Deadline::max());
Task<Result<>> end_body(SessionPtr session, StatePtr state);
/// The error of `read_body` for a body over its limit: "`what` is over N bytes".
struct TooLarge {
  ErrorCode code;
  std::string_view what;
};
/// The whole body.
Task<Result<std::string>> read_body(SessionPtr session, StatePtr state, std::size_t max_bytes, TooLarge too_large,
                                    host::Deadline deadline = host::Deadline::max());

}  // namespace banger::link
