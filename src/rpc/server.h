// The daemon's end: accepts connections of the owner only, runs each call as its own coroutine, cancels them when the
// caller goes.
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
};

/// What a method sees of its caller.
class CallContext {
 public:
  virtual ~CallContext() = default;
  /// Sends a progress notification; dropped when the client does not read fast enough.
  virtual void progress(std::string_view stage, std::string_view detail = {}, int percent = -1) = 0;
  /// Requested when the caller went away or the daemon stops. The end of the caller's bytes means gone on a plain call;
  /// on a stream it is only the end of its data, and gone is when it has closed the connection altogether.
  virtual host::Cancel& cancel() = 0;
  /// Answers with `result` and takes the connection over as a raw stream, whose first bytes are those behind the
  /// request line. Once, and only for a method added with Shape::stream. `cancelled` when the caller has gone.
  virtual Task<Result<std::unique_ptr<RawStream>>> become_stream(Json result) = 0;
  /// Calls it when this connection, on which more calls may follow, has closed and all of them have ended; never when
  /// it is the server that stops.
  virtual void when_closed(std::function<void()> told) = 0;
};

/// The result is what the caller gets; ignored after become_stream. An exception that escapes is answered as
/// `internal`.
using Method = std::function<Task<Result<Json>>(const Json& params, CallContext& context)>;

/// A stream call is the only call on its connection (`invalid` otherwise), and nothing behind its line is taken for a
/// call: when it fails, its answer is the last line.
enum class Shape { plain, stream };

class Server {
 public:
  /// Closes what is open and cancels calls; they end on their own and own all they need.
  virtual ~Server() = default;
  /// Before serve().
  virtual void add(std::string name, Method method, Shape shape = Shape::plain) = 0;
  /// Accepts until stop(). `listener` is a listening Unix socket; peers other than `owner` (and root) are turned away.
  virtual Task<> serve(UniqueFd listener, uid_t owner) = 0;
  /// No new calls; running ones are cancelled. Completes when they have ended and been answered, or at the deadline,
  /// with every connection closed. Not to be awaited inside a call: it would wait for itself.
  virtual Task<> stop(host::Deadline deadline) = 0;
};
std::unique_ptr<Server> make_server(host::Runtime& runtime, const Logger& log);

}  // namespace banger::rpc
