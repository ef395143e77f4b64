// The daemon's end: accepts connections of the owner only, runs each call as its own coroutine, cancels them when the caller goes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/log.h"
#include "base/task.h"
#include "host/runtime.h"

namespace banger::rpc {

/// A connection that has become a raw byte stream. Both ends may be closed by destruction.
class RawStream {
 public:
  virtual ~RawStream() = default;
  /// Empty at the end of the peer's bytes.
  virtual Task<Result<std::string>> read() = 0;
  virtual Task<Result<>> write(std::string bytes) = 0;
  virtual void shutdown_write() = 0;
};

/// What a method sees of its caller.
class CallContext {
 public:
  virtual ~CallContext() = default;
  /// Sends a progress notification; dropped when the client does not read fast enough.
  virtual void progress(std::string_view stage, std::string_view detail = {}, int percent = -1) = 0;
  /// Requested when the caller went away or the daemon stops.
  virtual host::Cancel& cancel() = 0;
  /// Answers with `result` and takes the connection over as a raw stream. Refused (`invalid`) when other calls are in flight on it.
  virtual Task<Result<std::unique_ptr<RawStream>>> become_stream(Json result) = 0;
};

/// The result is what the caller gets; ignored after become_stream.
using Method = std::function<Task<Result<Json>>(const Json& params, CallContext& context)>;

class Server {
 public:
  virtual ~Server() = default;
  virtual void add(std::string name, Method method) = 0;
  /// Accepts until stop(). `listener` is a listening Unix socket; peers other than `owner` (and root) are turned away.
  virtual Task<> serve(UniqueFd listener, uid_t owner) = 0;
  /// No new calls; running ones are cancelled. Completes when they have ended or at the deadline.
  virtual Task<> stop(host::Deadline deadline) = 0;
};
std::unique_ptr<Server> make_server(host::Runtime& runtime, const Logger& log);

}  // namespace banger::rpc
