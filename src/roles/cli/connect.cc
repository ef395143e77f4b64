#include "roles/cli/connect.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "roles/cli/progress.h"

namespace banger::roles::cli {

namespace {

constexpr std::uint64_t kStatusMs = 10'000;

void warn_of_other_version(const Io& io, const Json& status) {
  auto version = find_string(status, "version").value_or(std::nullopt).value_or("");
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
    warn_of_other_version(io, TRY(daemon.call_within("daemon.status", Json::object(), kStatusMs)));
  return daemon;
}

Result<Daemon> Daemon::find(Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto signals = TRY(Signals::interrupts());
  auto socket = TRY(client::find(paths));
  return Daemon(io, std::move(signals), std::move(socket));
}

Result<Json> Daemon::call(std::string_view method, const Json& params) {
  Progress progress(*io_);
  return connection_.call(method, params, {.progress = progress.callback(), .interrupt_fd = signals_.fd()});
}

Result<Json> Daemon::call_within(std::string_view method, const Json& params, std::uint64_t milliseconds) {
  return connection_.call_within(method, params, milliseconds);
}

Result<client::Stream> Daemon::open_stream(std::string_view method, const Json& params) {
  Progress progress(*io_);
  return std::move(connection_)
      .open_stream(method, params, {.progress = progress.callback(), .interrupt_fd = signals_.fd()});
}

}  // namespace banger::roles::cli
