// POST /exec: reads the spec, starts the command, and runs its stream.
#include <nlohmann/json.hpp>

#include "roles/agent/exec/command.h"
#include "roles/agent/exec/running_command.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

struct Started {
  host::Child child;
  Stdio stdio;
};

using Refusal = std::unexpected<link::ExecExit>;

Refusal refuse(const Error& error) { return Refusal(link::ExecExit{.code = 125, .message = error.sentence()}); }

std::expected<Started, link::ExecExit> start(Context& context, const link::ExecSpec& spec) {
  auto user = context.users.find(spec.user);
  if (!user) return refuse(user.error());
  auto command = prepare_command(spec, *user, context.config.environment);
  if (!command) return refuse(command.error());
  auto stdio = spec.tty ? make_terminal(user->uid, spec.rows, spec.cols) : make_pipes(user->uid, user->gid);
  if (!stdio) return refuse(stdio.error());
  auto& spawn = command->spawn;
  spawn.stdin_fd = stdio->child_input.get();
  spawn.stdout_fd = spec.tty ? spawn.stdin_fd : stdio->child_output.get();
  spawn.stderr_fd = spec.tty ? spawn.stdin_fd : stdio->child_errors.get();
  spawn.controlling_tty = spec.tty;
  spawn.cgroup_fd = context.command_groups.next();
  auto child = start_command(*command);
  if (!child) return Refusal(child.error());
  // From now on only the command holds its ends, so output ends when the command closes them.
  stdio->child_input.reset();
  stdio->child_output.reset();
  stdio->child_errors.reset();
  return Started{std::move(*child), std::move(*stdio)};
}

// The codec requires a command. In this route, an empty command means the user's login shell.
Result<link::ExecSpec> parse_spec(Json json) {
  bool login = json.is_object() && (!json.contains("argv") || json["argv"] == Json::array());
  if (login) json["argv"] = {"sh"};
  auto spec = TRY(link::exec_spec_from_json(json));
  if (login) spec.argv.clear();
  return spec;
}

Task<Result<link::ExecSpec>> read_spec(StreamPtr stream, link::FrameDecoder& decoder) {
  link::SpecReader reader;
  for (;;) {
    if (auto frame = CO_TRY(decoder.next())) {
      if (auto json = CO_TRY(reader.take(*frame))) co_return parse_spec(std::move(*json));
      continue;
    }
    auto bytes = CO_TRY(co_await stream->read());
    if (bytes.empty()) co_return fail(ErrorCode::cancelled, "the exec stream ended before its spec");
    decoder.feed(bytes);
  }
}

}  // namespace

Task<> exec(ContextPtr context, StreamPtr stream) {
  // Send the head before the spec arrives, because a client may wait for the head first.
  if (!co_await stream->respond(200, {{"content-type", "application/octet-stream"}})) co_return;
  link::FrameDecoder decoder;
  auto spec = co_await read_spec(stream, decoder);
  auto started = spec ? start(*context, *spec) : refuse(spec.error());
  if (started) {
    co_await run_session(context, stream, std::move(started->child), std::move(started->stdio), std::move(decoder));
    co_return;
  }
  std::string frame;
  link::encode_frame(link::FrameType::failed, link::encode_exit(started.error()), frame);
  if (co_await stream->write(std::move(frame))) (void)co_await stream->finish();
}

}  // namespace banger::roles::agent
