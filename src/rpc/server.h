// The daemon's end. Accepts connections of the owner only, runs each call as its own coroutine, and cancels the calls
// of a caller that goes away.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/log.h"
#include "base/task.h"
#include "host/runtime.h"

namespace banger::rpc {

/// A connection that has become a raw byte stream; one reader and one writer at a time. Destroying it closes the
/// connection and ends a pending read or write with `cancelled`.
class RawStream {
 public:
  virtual ~RawStream() = default;
  /// At most limits::kRpcReadBytes; empty at the end of the peer's bytes. `unavailable` when the peer vanished.
  virtual Task<Result<std::string>> read() = 0;
  /// Completes when all bytes are with the kernel. `unavailable` when the peer does not read any more.
  virtual Task<Result<>> write(std::string bytes) = 0;
  virtual void shutdown_write() = 0;
  /// Completes when the peer has closed both directions, or when this end has closed.
  virtual Task<> gone() = 0;
};

/// What a method sees of its caller.
class CallContext {
 public:
  virtual ~CallContext() = default;
  /// Sends a progress notification; dropped when the client does not read fast enough.
  virtual void progress(std::string_view stage, std::string_view detail = {}, int percent = -1) = 0;
  /// Requested when the caller goes away or the daemon stops. In a plain call, the caller is gone at the end of its
  /// bytes. In a stream, that end is only the end of the data; the caller is gone when it has closed the whole
  /// connection.
  virtual host::Cancel& cancel() = 0;
  /// Answers with `result` and turns the connection into a raw stream. The stream's first bytes are those behind the
  /// request line. Allowed once, and only in a method added with Shape::stream. `cancelled` when the caller has gone.
  virtual Task<Result<std::unique_ptr<RawStream>>> become_stream(Json result) = 0;
  /// Calls `callback` after this connection has closed and all its calls, also later ones, have ended. Never calls it
  /// when the server stops.
  virtual void when_closed(std::function<void()> callback) = 0;
};

/// The result is what the caller gets; ignored after become_stream. An exception that escapes is answered as
/// `internal`.
using Method = std::function<Task<Result<Json>>(const Json& params, CallContext& context)>;

/// A stream call is the only call on its connection (`invalid` otherwise). Bytes behind its line are never parsed as a
/// call. When it fails, its answer is the last line.
enum class Shape { plain, stream };

/// Few `high` calls run at once, one of each connection (turns.h).
enum class Cost { low, high };

class Server {
 public:
  /// Closes all connections and cancels their calls. The calls end later and own everything they need.
  virtual ~Server() = default;
  /// Before serve().
  virtual void add(std::string name, Method method, Shape shape = Shape::plain, Cost cost = Cost::low) = 0;
  /// Accepts until stop(). When there are too many connections, the one that has been idle longest is closed.
  /// `listener` is a listening Unix socket; peers other than `owner` and root are refused.
  virtual Task<> serve(UniqueFd listener, uid_t owner) = 0;
  /// No new calls; running ones are cancelled. Completes when they have ended and been answered, or at the deadline,
  /// with every connection closed. Never await it inside a call: the call would wait for itself.
  virtual Task<> stop(host::Deadline deadline) = 0;
};
std::unique_ptr<Server> make_server(host::Runtime& runtime, const Logger& log);

}  // namespace banger::rpc
