// The blocking client used by the CLI. One connection, one thread; several calls may be in flight.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "rpc/protocol.h"

namespace banger::rpc {

struct ProgressUpdate {
  std::string stage, detail;
  int percent = -1;
};
using OnProgress = std::function<void(const ProgressUpdate&)>;

class Client {
 public:
  explicit Client(UniqueFd socket) : socket_(std::move(socket)) {}

  /// Sends a call and waits for its answer. When `interrupt_fd` (>= 0, e.g. a signalfd) becomes readable, the wait ends
  /// with `cancelled`. The caller then drops the connection, which cancels the call in the daemon. `unavailable` when
  /// the daemon closes the connection first.
  Result<Json> call(std::string_view method, const Json& params, const OnProgress& progress = {},
                    int interrupt_fd = -1);

  /// A stream call: after the answer the connection is the raw stream. Gives the socket and any bytes already read.
  /// After a failure the connection is unusable.
  struct RawStream {
    Json result;
    UniqueFd socket;
    std::string first_bytes;
  };
  Result<RawStream> open_stream(std::string_view method, const Json& params, const OnProgress& progress = {},
                                int interrupt_fd = -1) &&;

  // For fan-out: send several calls, then receive the answers in the order of their arrival.
  /// Gives the call's id. Answers that arrive meanwhile are kept for receive().
  Result<std::int64_t> send(std::string_view method, const Json& params, int interrupt_fd = -1);
  /// The next answer or progress line of any call. An error about the whole connection (its id is null) makes receive()
  /// fail.
  Result<Reply> receive(int interrupt_fd = -1);

 private:
  Result<> exchange(std::string_view unsent, int interrupt_fd);
  Result<> write_some(std::string_view& unsent);
  Result<> read_some();
  Result<Reply> next_reply(int interrupt_fd);

  UniqueFd socket_;
  LineReader reader_;
  std::deque<Reply> kept_;  // answers to other calls that call() met while waiting for its own
  std::int64_t next_id_ = 1;
};

}  // namespace banger::rpc
