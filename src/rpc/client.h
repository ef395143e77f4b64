// The blocking client used by the CLI. One connection, one thread; several calls may be in flight.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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

  /// Sends a call and waits for its answer. `interrupt_fd` (e.g. a signalfd), when >= 0, ends the wait with `cancelled` when it
  /// becomes readable; the caller then drops the connection, which cancels the call in the daemon.
  Result<Json> call(std::string_view method, const Json& params, const OnProgress& progress = {}, int interrupt_fd = -1);

  /// A stream call: after the answer the connection is the raw stream. Gives the socket and any bytes already read.
  struct RawStream {
    Json result;
    UniqueFd socket;
    std::string first_bytes;
  };
  Result<RawStream> open_stream(std::string_view method, const Json& params, const OnProgress& progress = {}, int interrupt_fd = -1) &&;

  // For fan-out: send several, then take answers as they come.
  Result<std::int64_t> send(std::string_view method, const Json& params);
  Result<Reply> receive(int interrupt_fd = -1);

 private:
  UniqueFd socket_;
  LineReader reader_;
  std::int64_t next_id_ = 1;
};

}  // namespace banger::rpc
