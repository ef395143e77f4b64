#include "roles/cli/session.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/utf8.h"
#include "roles/cli/detach_keys.h"
#include "roles/cli/exec_client.h"
#include "roles/cli/guest_command.h"

namespace banger::roles::cli {

Json session_params(const Context& context) {
  return {{"vm", context.args.positionals[0]}, {"session", context.args.positionals[1]}};
}

namespace {

Result<> check_text(std::string_view what, const std::string& text) {
  if (is_utf8(text)) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("the {} '{}' is not UTF-8 text, as a session needs", what, printable(text, 80)),
              "'vm exec' passes all bytes");
}

}  // namespace

Result<Json> start_params(const Context& context, const std::string& vm) {
  const auto& args = context.args;
  auto environment = TRY(guest_environment(context));
  for (const auto& word : args.words) TRY(check_text("word of the command", word));
  for (const auto& [name, value] : environment) TRY(check_text("variable", name + "=" + value));
  Json params = {{"vm", vm}, {"env", std::move(environment)}};
  if (!args.words.empty()) params["argv"] = args.words;
  if (auto user = args.text("user")) params["user"] = *user;
  for (auto option : {"cwd", "workdir"})
    if (auto directory = args.text(option)) params["cwd"] = *directory;
  return params;
}

void add_terminal(const Context& context, Json& params) {
  auto size = terminal_size(::isatty(context.io.in) ? context.io.in : context.io.out);
  params["stdin_mode"] = "pty";
  params["rows"] = size.rows;
  params["cols"] = size.columns;
  if (auto term = context.io.env("TERM")) params["term"] = *term;
}

std::string session_state(const api::SessionObject& session) {
  if (session.exit_signal) {
    const char* name = ::sigabbrev_np(static_cast<int>(*session.exit_signal));
    return name ? fmt::format("killed by SIG{}", name) : fmt::format("killed by signal {}", *session.exit_signal);
  }
  return session.exit_code ? fmt::format("exited {}", *session.exit_code) : session.state;
}

std::string session_line(const api::SessionObject& session) {
  auto text = fmt::format("{}: {}", session.name, session_state(session));
  return session.reason.empty() ? text : fmt::format("{}: {}", text, session.reason);
}

Result<int> attach_to_session(Context& context, Daemon& daemon, const AttachRequest& request) {
  auto& io = context.io;
  auto keys = TRY(in("--detach-keys", parse_detach_keys(request.detach_keys)));
  auto stream = TRY(daemon.open_stream(
      "vm.session.attach",
      {{"vm", request.vm}, {"session", request.session}, {"read_only", request.read_only}, {"steal", request.steal}}));
  auto session = TRY(api::read<api::SessionObject>(stream.result));
  bool raw_mode = session.stdin_mode == "pty" && ::isatty(io.in) && !request.read_only;
  std::optional<RawMode> raw;
  std::optional<Signals> resizes;
  if (raw_mode) resizes.emplace(TRY(Signals::of({SIGWINCH})));
  ExecStreams streams{.socket = stream.socket.get(), .first_bytes = std::move(stream.first_bytes)};
  streams.in = request.read_only || session.stdin_mode == "none" ? -1 : io.in;
  streams.out = io.out;
  streams.err = io.err;
  streams.signal_fd = daemon.signals().fd();
  streams.resize_fd = resizes ? resizes->fd() : -1;
  streams.terminal = io.in;
  if (raw_mode)
    streams.on_started = [&]() -> Result<> {
      raw.emplace(TRY(RawMode::enter(io.in)));
      return {};
    };
  auto result = run_attached(streams, {.detach_keys = keys, .terminal_input = bool(::isatty(io.in))});
  raw.reset();
  if (!result) return std::unexpected(std::move(result).error().in(fmt::format("session '{}'", session.name)));
  if (result->detached)
    io.note(safe_text(fmt::format("detached from session '{}' (hint: banger vm session attach {} {})", session.name,
                                  session.vm, session.name)));
  if (!result->message.empty()) io.note(safe_text(result->message));
  return result->status;
}

}  // namespace banger::roles::cli
