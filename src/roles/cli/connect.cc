#include "roles/cli/connect.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "roles/cli/bounds.h"
#include "roles/cli/progress.h"

namespace banger::roles::cli {

namespace {

void warn_of_other_version(const Io& io, const std::string& version) {
  if (version.empty() || version == BANGER_VERSION) return;
  io.note(fmt::format(
      "the daemon has version {}, this program has version {} (hint: banger daemon stop; running VMs go on)",
      safe_text(version), BANGER_VERSION));
}

}  // namespace

Result<client::Connected> connect_or_start(Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto connected = TRY(client::connect_or_start(paths, {.argv = io.daemon_command, .environment = io.environment}));
  if (connected.started) io.note(fmt::format("started the daemon (pid {})", *connected.started));
  return connected;
}

Result<Daemon> Daemon::connect(Io& io) {
  auto signals = TRY(Signals::interrupts());
  auto connected = TRY(connect_or_start(io));
  Daemon daemon(io, std::move(signals), std::move(connected.socket));
  if (!connected.started)
    warn_of_other_version(io,
                          TRY(daemon.get_within<api::DaemonStatus>("daemon.status", limits::kStatusDeadline)).version);
  return daemon;
}

Result<std::optional<Daemon>> Daemon::find(Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto signals = TRY(Signals::interrupts());
  auto socket = client::find(paths);
  if (socket) return Daemon(io, std::move(signals), std::move(*socket));
  auto code = socket.error().code;
  if (code == ErrorCode::not_found || code == ErrorCode::unavailable) return std::nullopt;
  return std::unexpected(std::move(socket.error()));
}

Result<Json> Daemon::call(std::string_view method, const Json& params) {
  Progress progress(*io_);
  return connection_.call(method, params, {.progress = progress.callback(), .interrupt_fd = signals_.fd()});
}

Result<Json> Daemon::call(std::string_view method) { return call(method, Json::object()); }

Result<Json> Daemon::call_within(std::string_view method, const Json& params, std::chrono::milliseconds deadline) {
  return connection_.call_within(method, params, deadline);
}

Result<Json> Daemon::call_within(std::string_view method, std::chrono::milliseconds deadline) {
  return call_within(method, Json::object(), deadline);
}

Result<client::Stream> Daemon::open_stream(std::string_view method, const Json& params) {
  Progress progress(*io_);
  return std::move(connection_)
      .open_stream(method, params, {.progress = progress.callback(), .interrupt_fd = signals_.fd()});
}

}  // namespace banger::roles::cli
