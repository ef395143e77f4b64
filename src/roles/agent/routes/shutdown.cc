// POST /shutdown: answers, then asks init to shut down.
#include <nlohmann/json.hpp>

#include "link/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

Result<ShutdownMode> parse_mode(const std::string& body) {
  if (body.empty()) return ShutdownMode::poweroff;
  auto json = TRY(parse_json(body, limits::kLinkJsonBytes));
  TRY(only_keys(json, {"mode"}));
  auto mode = TRY(find_string(json, "mode")).value_or("poweroff");
  if (mode == "poweroff") return ShutdownMode::poweroff;
  if (mode == "reboot") return ShutdownMode::reboot;
  return fail(ErrorCode::invalid, "field 'mode' must be \"poweroff\" or \"reboot\"");
}

// The image's main command ends as its image asks, and before init ends everything else.
Task<> end_main_commands(ContextPtr context) {
  if (context->main_commands.empty()) co_return;
  (void)context->run_dir.mark_ending();
  auto signal = stop_signal(context->config.image.stop_signal);
  co_await context->main_commands.end(context->runtime, signal, host::after(limits::kMainCommandDeadline));
}

Task<> act(ContextPtr context, ShutdownMode mode) {
  // The answer is in the channel's queue. The guest must run until the host has read it.
  co_await context->runtime.sleep_for(limits::kShutdownAnswerDelay);
  co_await end_main_commands(context);
  auto init = context->run_dir.init_kind();
  context->log().info("shutdown",
                      {{"init", to_string(init)}, {"mode", mode == ShutdownMode::reboot ? "reboot" : "poweroff"}});
  auto plan = plan_shutdown(init, mode);
  // A signal arrives. Nobody knows that of a command, so it is repeated while the guest runs.
  for (int attempt = 0; attempt < limits::kShutdownAttempts; ++attempt) {
    auto done = co_await context->options.shut_down(context->runtime, plan);
    if (!done) context->log().error("shutdown.failed", {{"error", done.error().sentence()}});
    if (done && plan.commands.empty()) co_return;
    co_await context->runtime.sleep_for(limits::kShutdownRepeat);
  }
}

}  // namespace

Task<> shutdown(ContextPtr context, StreamPtr stream) {
  auto body = co_await stream->body(limits::kLinkJsonBytes);
  auto mode = body ? parse_mode(*body) : std::unexpected(body.error());
  if (!mode) {
    (void)co_await stream->reply_error(mode.error());
    co_return;
  }
  (void)co_await stream->reply_json(200, R"({"ok":true})");
  context->runtime.spawn(act(context, *mode));
}

}  // namespace banger::roles::agent
