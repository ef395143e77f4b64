// The requests of the host before it saves a machine.
//
//   POST /hold      {"hold": true|false}: while held, commands outlive their clients (exec/running_command.h).
//                   For suspend, snapshot and fork.
//   POST /quiesce   waits for the end of the boot, writes everything to the disks and, if the guest has cgroups,
//                   freezes everything but the agent. For templates.
//
// POST /configure ends both.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "link/bounds.h"
#include "roles/agent/boot_end.h"
#include "roles/agent/freezer.h"
#include "roles/agent/routes.h"
#include "roles/agent/warm_up.h"

namespace banger::roles::agent {

namespace {

Result<bool> parse_hold(const std::string& body) {
  auto json = TRY(parse_json(body, limits::kLinkJsonBytes));
  TRY(only_keys(json, {"hold"}));
  return get_bool(json, "hold");
}

}  // namespace

Task<> hold(ContextPtr context, StreamPtr stream) {
  auto body = co_await stream->body(limits::kLinkJsonBytes);
  auto wanted = body ? parse_hold(*body) : std::unexpected(body.error());
  if (!wanted) {
    (void)co_await stream->reply_error(wanted.error());
    co_return;
  }
  context->held = *wanted;
  (void)co_await stream->reply_json(200, R"({"ok":true})");
}

Task<> quiesce(ContextPtr context, StreamPtr stream) {
  // A running configuration may need processes that would be frozen.
  auto lock = co_await context->configuring.lock();
  auto turn = co_await context->settling_turn.lock();
  // What systemd has not done yet, each clone would do for itself, in memory of its own.
  co_await wait_for_boot_end(context->runtime, context->run_dir.init_kind(), context->options.path_variable);
  // The first command of a clone then finds its group, and makes none.
  (void)context->command_groups.next();
  auto frozen = co_await context->runtime.blocking([context] {
    ::sync();
    auto still = freeze_others(context->options.mounts, context->run_dir.frozen_path());
    if (auto warmed_up = warm_up(context->options.config_root); !warmed_up)
      context->log.unbounded().warn("warm_up.failed", {{"error", warmed_up.error().sentence()}});
    ::sync();  // everything written before the freeze
    return still;
  });
  // Best effort: a template that is not fully frozen is better than no template.
  if (!frozen) context->log().warn("freeze.failed", {{"error", frozen.error().sentence()}});
  (void)co_await stream->reply_json(200, dump_json({{"ok", true}, {"frozen", frozen.value_or(0)}}));
}

}  // namespace banger::roles::agent
