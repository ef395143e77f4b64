// The command line's connection to the daemon: src/client, with progress on a terminal and with signals.
#pragma once

#include <chrono>
#include <optional>

#include "client/connection.h"
#include "client/start.h"
#include "roles/cli/io.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

/// A connection to the daemon. Calls show their progress and end with `cancelled` on Ctrl-C. Closing the connection
/// then cancels the call. While the object lives, SIGINT, SIGTERM and SIGHUP arrive only through signals().
class Daemon {
 public:
  /// Starts the daemon when none listens, and prints that. Warns when the daemon has another version.
  static Result<Daemon> connect(Io& io);
  /// Connects to a running daemon. Null when no daemon listens.
  static Result<std::optional<Daemon>> find(Io& io);

  Result<Json> call(std::string_view method, const Json& params);
  Result<Json> call(std::string_view method);  ///< without parameters
  /// A call with a deadline, which Ctrl-C does not end: for work that is required after an interrupt.
  Result<Json> call_within(std::string_view method, const Json& params, std::chrono::milliseconds deadline);
  Result<Json> call_within(std::string_view method, std::chrono::milliseconds deadline);

  // The same calls. The result is an object of src/api.
  template <api::Described T>
  Result<T> get(std::string_view method, const Json& params) {
    return api::read<T>(TRY(call(method, params)));
  }
  template <api::Described T>
  Result<T> get(std::string_view method) {
    return api::read<T>(TRY(call(method)));
  }
  template <api::Described T>
  Result<T> get_within(std::string_view method, std::chrono::milliseconds deadline) {
    return api::read<T>(TRY(call_within(method, deadline)));
  }
  /// Turns this connection into a raw stream. signals() remain usable.
  Result<client::Stream> open_stream(std::string_view method, const Json& params);

  rpc::Client& client() { return connection_.rpc(); }
  const Signals& signals() const { return signals_; }

 private:
  Daemon(Io& io, Signals signals, UniqueFd socket)
      : io_(&io), signals_(std::move(signals)), connection_(std::move(socket)) {}
  Io* io_;
  Signals signals_;
  client::Connection connection_;
};

/// Connects or starts the daemon like Daemon::connect, but makes no call.
Result<client::Connected> connect_or_start(Io& io);

}  // namespace banger::roles::cli
