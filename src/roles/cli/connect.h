// The command line's connection to the daemon: src/client with progress and signals of a terminal.
#pragma once

#include "client/connection.h"
#include "client/start.h"
#include "roles/cli/io.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

/// A connection whose calls show progress and end on Ctrl-C (`cancelled`; dropping the connection then cancels the
/// call). From connect() on, interrupts arrive through signals() and nowhere else.
class Daemon {
 public:
  /// Starts the daemon when none listens, and says so once; warns when it is of another version.
  static Result<Daemon> connect(Io& io);
  /// Only a running one: `not_found` or `unavailable` when there is none.
  static Result<Daemon> find(Io& io);

  Result<Json> call(std::string_view method, const Json& params);
  /// The result as an object of src/api.
  template <api::Described T>
  Result<T> get(std::string_view method, const Json& params) {
    return api::read<T>(TRY(call(method, params)));
  }
  /// The same with a deadline instead of Ctrl-C: for what must be done after an interrupt.
  Result<Json> call_within(std::string_view method, const Json& params, std::uint64_t milliseconds);
  /// Takes this connection over as a raw stream; signals() stay.
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

/// The connecting half of Daemon::connect, without its calls.
Result<client::Connected> connect_or_start(Io& io);

}  // namespace banger::roles::cli
