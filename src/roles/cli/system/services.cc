#include "roles/cli/system/services.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "base/text.h"
#include "capabilities/privileged_table.h"
#include "client/connection.h"
#include "host/child.h"
#include "host/run_tool.h"
#include "host/unix_socket.h"
#include "roles/cli/bounds.h"
#include "roles/cli/system/units.h"
#include "rpc/client.h"
#include "rpc/helper_protocol.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kUnits[] = {kSocketUnit, kHelperUnit, kDaemonUnit};

Result<> systemctl(const RunTool& run, std::vector<std::string> words) {
  words.insert(words.begin(), "systemctl");
  auto output = run(words);
  if (!output) return std::unexpected(std::move(output.error()).with_hint("journalctl -u bangerd -u bangerd-root"));
  return {};
}

// systemctl may fail because of the unit's state, and prints the state anyway.
std::string state_of(const RunTool& run, const char* question, std::string_view unit) {
  auto shown = run({"systemctl", "show", fmt::format("--property={}", question), "--value", std::string(unit)});
  return shown ? printable(trim(*shown), 32) : "unknown";
}

Result<UniqueFd> connect_to_daemon(const host::User& owner) {
  return host::connect_unix(owner_directories(owner).front() + "/run/bangerd.sock");
}

}  // namespace

RunTool system_tool() {
  return [](const std::vector<std::string>& argv) { return host::run_tool(argv, limits::kSystemctlDeadline); };
}

bool systemd_runs() { return ::access("/run/systemd/system", F_OK) == 0; }

Result<> make_owner_directories(const host::User& owner) {
  std::vector<std::string> argv{"/bin/sh", "-c", "umask 077; exec mkdir -p \"$@\"", "sh"};
  for (const auto& directory : owner_directories(owner)) argv.push_back(directory);
  auto child = TRY(host::spawn({.argv = argv,
                                .env = {std::string("PATH=") + host::kSystemPath},
                                .cwd = "/",
                                .uid = owner.uid,
                                .gid = owner.gid}));
  if (child.wait().shell_code() != 0)
    return fail(ErrorCode::denied, fmt::format("{} cannot make {}", owner.name, join(owner_directories(owner), ", ")),
                "let the owner write to the home");
  return {};
}

Result<bool> stop_own_daemon(const host::User& owner) {
  auto socket = connect_to_daemon(owner);
  if (!socket) return false;
  auto peer = TRY(host::peer_of(socket->get()));
  if (peer.uid != owner.uid)
    return fail(ErrorCode::denied, fmt::format("the socket of the owner's daemon is served by user {}", peer.uid));
  rpc::Client client(std::move(*socket));
  TRY(in("stop the owner's daemon", client.call("daemon.stop", Json::object())));
  auto process = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits::kDaemonStopDeadline).count();
  if (process && ::poll(&ended, 1, static_cast<int>(timeout_ms)) != 1)
    return fail(ErrorCode::timeout, "the owner's daemon did not end in time");
  return true;
}

std::optional<std::int64_t> running_vms(const host::User& owner) {
  auto socket = connect_to_daemon(owner);
  if (!socket) return std::nullopt;
  client::Connection daemon(std::move(*socket));
  auto status = daemon.get<api::DaemonStatus>("daemon.status", Json::object());
  return status ? std::optional(status->vms_running) : std::nullopt;
}

std::vector<std::string> undo_operations(const config::Install& install, const host::User& owner) {
  Logger log(STDERR_FILENO);
  capabilities::PrivilegedContext context{
      owner.uid,     owner.gid, install.bridge_name, install.bridge_ip,  install.cidr,
      install.roots, log,       install.jailer,      install.firecracker};
  auto table = capabilities::privileged_table();
  std::vector<std::string> done;
  for (const auto* operation : table) {
    bool undoes = std::ranges::any_of(table, [&](const auto* other) { return other->undo == operation->name; });
    if (!undoes || !operation->arguments.empty()) continue;
    auto reply = operation->effect(context, Json::object());
    done.push_back(reply ? fmt::format("ran {}", operation->name)
                         : fmt::format("could not run {}: {}", operation->name, reply.error().sentence()));
  }
  return done;
}

Result<std::vector<std::string>> start_services(const RunTool& run, const InstallReport& report) {
  std::vector<std::string> done;
  if (report.units_changed) TRY(systemctl(run, {"daemon-reload"}));
  TRY(systemctl(run, {"enable", "--quiet", std::string(kSocketUnit), std::string(kDaemonUnit)}));
  bool renew = report.program_changed || report.units_changed;
  for (auto unit : kUnits) {
    bool active = state_of(run, "ActiveState", unit) == "active";
    // systemd itself listens on the socket, so a new program does not require a restart of the socket.
    bool again = active && renew && unit != kSocketUnit;
    if (active && !again) continue;
    TRY(systemctl(run, {again ? "restart" : "start", std::string(unit)}));
    done.push_back(fmt::format("{} {}", again ? "restarted" : "started", unit));
  }
  return done;
}

Result<> restart_services(const RunTool& run) {
  return systemctl(run, {"restart", std::string(kHelperUnit), std::string(kDaemonUnit)});
}

Result<> stop_services(const RunTool& run) {
  for (auto unit : {kDaemonUnit, kHelperUnit, kSocketUnit}) {
    if (state_of(run, "LoadState", unit) != "loaded") continue;
    TRY(systemctl(run, {"stop", std::string(unit)}));
    TRY(systemctl(run, {"disable", "--quiet", std::string(unit)}));
  }
  return {};
}

std::vector<ServiceState> service_states(const RunTool& run) {
  std::vector<ServiceState> states;
  for (auto unit : kUnits)
    states.push_back({std::string(unit), state_of(run, "ActiveState", unit), state_of(run, "UnitFileState", unit)});
  return states;
}

Result<std::string> helper_version() {
  auto socket = TRY(host::connect_unix(std::string(config::kHelperSocket)));
  if (TRY(host::peer_of(socket.get())).uid != 0)
    return fail(ErrorCode::denied, "the helper's socket is not served by root");
  TRY(host::send_with_fds(socket.get(), rpc::encode_helper_request("helper.version", Json::object())));
  auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(limits::kHelperReplyDeadline).count();
  std::string text;
  std::vector<UniqueFd> none;
  while (text.size() <= limits::kHelperMessageBytes) {
    pollfd waiting{socket.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(timeout_ms)) != 1)
      return fail(ErrorCode::timeout, "the root helper did not answer in time");
    if (!TRY(host::receive_with_fds(socket.get(), text, none))) break;
  }
  if (!text.ends_with('\n'))
    return fail(ErrorCode::unavailable, "the root helper closed the connection without an answer");
  text.pop_back();
  return get_string(TRY(rpc::parse_helper_reply(text)), "version");
}

}  // namespace banger::roles::cli
