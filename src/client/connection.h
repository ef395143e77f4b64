// Calls to the daemon, for all clients: the command line and any other user interface. This code uses no terminal.
#pragma once

#include <chrono>
#include <string_view>

#include "api/object.h"
#include "base/json.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "rpc/client.h"

namespace banger::client {

struct CallOptions {
  rpc::OnProgress progress = {};
  /// When this descriptor becomes readable, the wait ends with `cancelled`. The caller then closes the connection, and
  /// so cancels the call.
  int interrupt_fd = -1;
};

/// The outcome of a stream call: its result, the socket, and the bytes of the stream that have been read already.
using Stream = rpc::Client::RawStream;

class Connection {
 public:
  explicit Connection(UniqueFd socket) : client_(std::move(socket)) {}

  Result<Json> call(std::string_view method, const Json& params, const CallOptions& options = {});
  /// A call with a deadline instead of an interrupt: `timeout` when there is no answer in time.
  Result<Json> call_within(std::string_view method, const Json& params, std::chrono::milliseconds deadline);
  /// A call whose result is an object of src/api.
  template <api::Described T>
  Result<T> get(std::string_view method, const Json& params, const CallOptions& options = {}) {
    return api::read<T>(TRY(call(method, params, options)));
  }
  /// Turns the connection into a raw stream.
  Result<Stream> open_stream(std::string_view method, const Json& params, const CallOptions& options = {}) &&;

  /// For several calls at once.
  rpc::Client& rpc() { return client_; }

 private:
  rpc::Client client_;
};

/// A descriptor (timerfd(2)) that becomes readable after `delay`. It gives a deadline to a wait that only an
/// interrupt can end.
Result<UniqueFd> timer_after(std::chrono::milliseconds delay);

}  // namespace banger::client
