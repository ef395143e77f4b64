// POST /configure: makes the running guest what the given guest config says.
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/apply.h"
#include "roles/agent/freezer.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

Result<guestcfg::GuestConfig> parse(const std::string& body) {
  return guestcfg::from_json(TRY(parse_json(body, limits::kGuestConfigBytes)));
}

// The environment and the token are the agent's own parts of the config.
Result<> take_over(Context& context, const guestcfg::GuestConfig& config) {
  AgentConfig ours = context.config;
  ours.environment = config.environment;
  if (!config.link_token.empty()) ours.link_token = TRY(from_hex(config.link_token));
  TRY(context.run_dir.save_config(ours));
  bool new_token = ours.link_token != context.config.link_token;
  context.config = std::move(ours);
  if (new_token && context.set_token) context.set_token(context.config.link_token);
  return {};
}

Task<Result<>> apply(ContextPtr context, StreamPtr stream) {
  auto body = CO_TRY(co_await stream->body(limits::kGuestConfigBytes));
  auto lock = co_await context->configuring.lock();
  auto config = std::make_shared<guestcfg::GuestConfig>();
  CO_TRY(co_await context->runtime.blocking([context, config, body = std::move(body), &log = context->log()]() -> Result<> {
    *config = TRY(parse(body));
    capabilities::GuestTarget target{
        .root = context->options.config_root, .mode = context->options.config_mode, .log = log, .first_boot = false};
    return capabilities::apply_all(target, *config);
  }));
  CO_TRY(take_over(*context, *config));
  // What was saved has become this machine.
  context->held = false;
  co_return co_await context->runtime.blocking([context] { return thaw(context->run_dir.frozen_path()); });
}

}  // namespace

Task<> configure(ContextPtr context, StreamPtr stream) {
  auto applied = co_await apply(context, stream);
  if (applied) {
    (void)co_await stream->reply_json(200, R"({"ok":true})");
    co_return;
  }
  context->log().error("configure.failed", {{"error", applied.error().sentence()}});
  (void)co_await stream->reply_error(applied.error());
}

}  // namespace banger::roles::agent
