#include "roles/cli/guest_command.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "guestcfg/environment.h"
#include "host/files.h"
#include "roles/cli/bounds.h"
#include "roles/cli/env_file.h"
#include "roles/cli/exec_client.h"

namespace banger::roles::cli {

namespace {

// How the VM has ended, or empty while it runs. A machine ends a moment after its link. If the agent is back, only the
// agent had ended.
std::string find_end(Io& io, const std::string& id) {
  auto daemon = Daemon::find(io);
  if (!daemon || !*daemon) return "";
  auto deadline = std::chrono::steady_clock::now() + limits::kEndDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    auto shown = (*daemon)->call_within("vm.show", {{"vm", id}}, limits::kStatusDeadline);
    auto vm = shown ? api::read<api::VmObject>(*shown) : std::unexpected(shown.error());
    if (!vm) return "";
    bool up = vm->state == vm::State::running;
    if (!up && vm->state != vm::State::stopping) return vm->ended;
    if (up && vm->agent_ready) return "";
    auto interrupted = (*daemon)->signals().wait_for(limits::kEndPoll);
    if (!interrupted || *interrupted) return "";
  }
  return "";
}

// The user of a shell has often ended the VM in that shell, which is no failure.
Result<int> after_end(Io& io, const GuestCommand& command, const std::string& name, const std::string& end) {
  bool wanted = end == "the guest shut down" || end == "the guest rebooted" || end == "stopped" || end == "suspended";
  auto what = end == "the guest shut down"  ? std::string("was shut down")
              : end == "the guest rebooted" ? std::string("was rebooted")
              : wanted || end == "killed"   ? "was " + end
                                            : "has ended: " + end;
  auto text = fmt::format("vm '{}' {}", name, what);
  if (!command.shell || !wanted) return fail(ErrorCode::unavailable, text + ", before the command ended");
  io.note(safe_text(text));
  return exit_status::kOk;
}

Result<int> without_result(Io& io, const GuestCommand& command, const api::Named& vm, Error error) {
  auto end = error.code == ErrorCode::unavailable ? find_end(io, vm.id) : "";
  if (!end.empty()) return after_end(io, command, vm.name, end);
  bool ours = error.sys_errno != 0;  // an error of this process's own streams
  return std::unexpected(ours ? std::move(error) : std::move(error).in(fmt::format("vm '{}'", vm.name)));
}

}  // namespace

Result<std::map<std::string, std::string>> guest_environment(const Context& context) {
  std::map<std::string, std::string> values;
  for (const auto& file : context.args.all("env-file")) {
    auto text = TRY(host::read_file(file, limits::kEnvFileBytes));
    TRY(in(file, add_env_file(text, context.io.env, values)));
  }
  for (const auto& pair : context.args.all("env")) {
    auto at = pair.find('=');
    if (at != pair.npos) {
      values[pair.substr(0, at)] = pair.substr(at + 1);
    } else if (auto ours = context.io.env(pair)) {
      values[pair] = *ours;
    }
  }
  return values;
}

Result<std::map<std::string, std::string>> vm_environment(const Context& context) {
  auto values = TRY(guest_environment(context));
  TRY(guestcfg::check_environment(values));
  for (const auto& [name, value] : values) {
    auto where = guestcfg::unreached(name, value);
    if (!where.empty())
      context.io.note(
          fmt::format("the variable '{}' reaches commands of 'vm exec', but not {}", safe_text(name), where));
  }
  return values;
}

Result<GuestCommand> guest_command(const Context& context, std::string vm, link::MainCommand main) {
  const auto& args = context.args;
  GuestCommand command{.vm = std::move(vm), .spec = {}};
  auto& spec = command.spec;
  spec.user = args.text("user").value_or("");
  spec.cwd = args.text("workdir").value_or("");
  spec.env = TRY(guest_environment(context));
  bool terminal = ::isatty(context.io.in);
  bool shell = command.shell = args.words.empty() && main != link::MainCommand::yes;
  spec.argv = args.words;
  spec.main = main;
  spec.tty = args.flag("tty") || (shell && terminal);
  if (spec.tty) spec.term = context.io.env("TERM").value_or(spec.term);
  TRY(link::check_spec(spec));
  command.forward_input = args.flag("interactive") || shell || (!terminal && !spec.tty);
  if (spec.tty && command.forward_input && !terminal)
    return fail(ErrorCode::unsupported, "-t needs a terminal, but standard input is not one", "leave out -t");
  return command;
}

GuestCommand detached(GuestCommand command) {
  command.spec.detach = true;
  command.forward_input = false;
  return command;
}

Result<int> run_in_guest(Io& io, Daemon& daemon, const GuestCommand& command) {
  auto stream = TRY(daemon.open_stream("vm.exec", {{"vm", command.vm}}));
  auto vm = TRY(api::read<api::Named>(stream.result));
  std::optional<RawMode> raw;
  std::optional<Signals> resizes;
  auto spec = command.spec;
  if (spec.tty) {
    // The size is read here, because the user may have changed it while the VM was made. From now on a change sends
    // SIGWINCH.
    resizes.emplace(TRY(Signals::of({SIGWINCH})));
    auto size = terminal_size(::isatty(io.in) ? io.in : io.out);
    spec.rows = size.rows;
    spec.cols = size.columns;
  }
  ExecStreams streams{.socket = stream.socket.get(), .first_bytes = std::move(stream.first_bytes)};
  streams.in = command.forward_input ? io.in : -1;
  streams.out = io.out;
  streams.err = io.err;
  streams.signal_fd = daemon.signals().fd();
  streams.resize_fd = resizes ? resizes->fd() : -1;
  streams.terminal = io.in;
  // Raw mode starts only when the command runs. Until then, Ctrl-C must end the wait for a guest that does not answer.
  if (spec.tty && command.forward_input)
    streams.on_started = [&]() -> Result<> {
      raw.emplace(TRY(RawMode::enter(io.in)));
      return {};
    };
  auto result = run_exec(streams, spec);
  raw.reset();
  if (!result) return without_result(io, command, vm, std::move(result).error());
  if (result->ending) io.note(fmt::format("vm '{}' is shutting down", safe_text(vm.name)));
  if (!result->message.empty())
    io.note(safe_text(result->gave_up ? fmt::format("vm '{}': {}", vm.name, result->message) : result->message));
  return result->ending && command.shell ? exit_status::kOk : result->status;
}

}  // namespace banger::roles::cli
