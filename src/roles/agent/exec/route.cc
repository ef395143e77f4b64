// POST /exec: reads the spec, starts the command, and runs its stream.
#include <nlohmann/json.hpp>
#include <optional>

#include "roles/agent/exec/command.h"
#include "roles/agent/exec/detached.h"
#include "roles/agent/exec/running_command.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

struct Started {
  host::Child child;
  Stdio stdio;
  bool main;
};

using Refusal = std::unexpected<link::ExecExit>;

Refusal refuse(const Error& error, int code = 125) {
  return Refusal(link::ExecExit{.code = code, .message = error.sentence()});
}

std::expected<Started, link::ExecExit> start(Context& context, const link::ExecSpec& spec) {
  auto user = choose_user(spec, context.config.image, [&](const auto& who) { return context.users.find(who); });
  if (!user) return refuse(user.error());
  auto command = prepare_command(spec, *user, context.config.environment, context.config.image);
  if (!command) return refuse(command.error(), command.error().code == ErrorCode::not_found ? 127 : 125);
  auto stdio = spec.detach ? Result<Stdio>(Stdio())  // no descriptor is /dev/null
               : spec.tty  ? make_terminal(user->uid, spec.rows, spec.cols)
                           : make_pipes(user->uid, user->gid);
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
  return Started{std::move(*child), std::move(*stdio), command->main};
}

Task<Result<link::ExecSpec>> read_spec(StreamPtr stream, link::FrameDecoder& decoder) {
  link::SpecReader reader;
  for (;;) {
    if (auto frame = CO_TRY(decoder.next())) {
      if (auto json = CO_TRY(reader.take(*frame))) co_return link::exec_spec_from_json(*json);
      continue;
    }
    auto bytes = CO_TRY(co_await stream->read());
    if (bytes.empty()) co_return fail(ErrorCode::cancelled, "the exec stream ended before its spec");
    decoder.feed(bytes);
  }
}

/// For the client, a command that is left to itself ends with its start.
Task<> report_start(StreamPtr stream) {
  std::string frames;
  link::encode_frame(link::FrameType::started, {}, frames);
  link::encode_frame(link::FrameType::exit, link::encode_exit({.code = 0}), frames);
  if (co_await stream->write(std::move(frames))) (void)co_await stream->finish();
}

}  // namespace

Task<> exec(ContextPtr context, StreamPtr stream) {
  // Send the head before the spec arrives, because a client may wait for the head first.
  if (!co_await stream->respond(200, {{"content-type", "application/octet-stream"}})) co_return;
  link::FrameDecoder decoder;
  auto spec = co_await read_spec(stream, decoder);
  auto started = spec ? start(*context, *spec) : refuse(spec.error());
  if (started && spec->detach) {
    context->runtime.spawn(wait_for_end(context, std::move(started->child), started->main));
    co_return co_await report_start(stream);
  }
  if (started) {
    std::optional<MainCommands::Entry> entry;
    if (started->main) entry.emplace(context->main_commands, started->child);
    co_await run_session(context, stream, std::move(started->child), std::move(started->stdio), std::move(decoder));
    co_return;
  }
  std::string frame;
  link::encode_frame(link::FrameType::failed, link::encode_exit(started.error()), frame);
  if (co_await stream->write(std::move(frame))) (void)co_await stream->finish();
}

}  // namespace banger::roles::agent
