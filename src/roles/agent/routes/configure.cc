// POST /configure: applies a guest config to the running guest. A clone gets its own identity this way.
#include <time.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "capabilities/apply.h"
#include "guestcfg/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/freezer.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

/// The data that the pool's part and this thread's part share.
struct Work {
  std::string body;
  std::int64_t asked_at_ns;      ///< when the request arrived, by a clock that cannot be set
  std::int64_t took_ns = 0;      ///< time to apply the identity
  guestcfg::GuestConfig before;  ///< the config so far
  guestcfg::GuestConfig config;
  capabilities::GuestTarget target;
};

std::int64_t elapsed_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Result<> parse(Work& work) {
  work.config = TRY(guestcfg::from_json(TRY(parse_json(work.body, limits::kGuestConfigBytes))));
  work.body.clear();
  // The host's time was right when the host sent it. A large config takes a while to arrive and to be parsed.
  if (work.config.clock_unix_ns != 0) work.config.clock_unix_ns += elapsed_ns() - work.asked_at_ns;
  work.target.first_boot = work.config.first_start;
  return {};
}

Result<> change_guest(Work& work) {
  work.target.before = &work.before;
  return capabilities::apply_all(work.target, work.config);
}

// The part that only changes the guest's identity runs on this thread. Another thread would mean more code that runs
// for the first time in a clone while the host waits for it.
Task<Result<>> change(host::Runtime& runtime, std::shared_ptr<Work> work) {
  if (work->body.size() <= limits::kBriefConfigBytes) {
    CO_TRY(parse(*work));
    if (capabilities::is_brief(work->config, work->before)) co_return change_guest(*work);
    co_return co_await runtime.blocking([work] { return change_guest(*work); });
  }
  co_return co_await runtime.blocking([work]() -> Result<> {
    TRY(parse(*work));
    return change_guest(*work);
  });
}

// Adopts the agent's own parts of the config: the environment, the image's choices, the token, and the configuration of
// the links.
Result<> adopt_config(Context& context, const guestcfg::GuestConfig& config) {
  AgentConfig ours = context.config;
  ours.environment = config.environment;
  ours.interfaces = config.interfaces;
  ours.image = config.image;
  ours.keys = config.keys;
  ours.pids = config.pids;
  if (config.ssh_host_key) ours.ssh_host_key = config.ssh_host_key;
  if (!config.link_token.empty()) ours.link_token = TRY(from_hex(config.link_token));
  bool new_token = ours.link_token != context.config.link_token;
  context.config = std::move(ours);
  context.command_groups.limit(context.config.pids);
  if (new_token && context.set_token) context.set_token(context.config.link_token);
  return {};
}

Result<> finish(const Context& context, const AgentConfig& ours, Work& work) {
  Result<> first;
  auto then = [&](Result<> done) {
    if (first) first = std::move(done);
  };
  then(capabilities::apply_later(work.target, work.config));
  // A guest without its own random numbers stays frozen and never reaches this line.
  then(thaw(context.run_dir.frozen_path()));
  // The saved token shows the host whether a later agent needs this configuration again.
  then(context.run_dir.save_config(ours));
  then(capabilities::settle(work.target, work.config));
  return first;
}

// Applies the parts that can wait or that run processes, and thaws the processes that a quiesce stopped. As after a
// boot, the answer does not wait for this, but the system is not ready before. All processes wake up at once, so a
// first command goes first, unless a client waits for the system.
Task<> settle(ContextPtr context, std::shared_ptr<Work> work) {
  auto turn = co_await context->settling_turn.lock();
  auto until = host::after(context->options.put_off(std::chrono::nanoseconds(work->took_ns)));
  if (!capabilities::needs_settling(work->target, work->config))
    while (!context->no_delay && host::Clock::now() < until) co_await context->no_delay_requested.wait(until);
  if (auto moved = context->wall_clock.catch_up(); !moved)
    context->log().error("settle.failed", {{"error", moved.error().sentence()}});
  auto settled = co_await context->runtime.blocking(
      [context, ours = context->config, work] { return finish(*context, ours, *work); });
  context->counts.begin();
  if (!settled) context->log().error("settle.failed", {{"error", settled.error().sentence()}});
  if (--context->settling == 0) context->no_delay = false;
  context->settled.notify_all();
}

Task<Result<>> apply(ContextPtr context, StreamPtr stream) {
  auto asked_at = elapsed_ns();
  auto body = CO_TRY(co_await stream->body(limits::kGuestConfigBytes));
  auto lock = co_await context->configuring.lock();
  auto work = std::make_shared<Work>(Work{.body = std::move(body),
                                          .asked_at_ns = asked_at,
                                          .took_ns = 0,
                                          .before = {.interfaces = context->config.interfaces,
                                                     .keys = context->config.keys,
                                                     .environment = context->config.environment},
                                          .config = {},
                                          .target = {.root = context->options.config_root,
                                                     .mode = context->options.config_mode,
                                                     .log = context->log.unbounded(),
                                                     .first_boot = false,
                                                     .handles = context->handles ? &*context->handles : nullptr}});
  auto applied = co_await change(context->runtime, work);
  work->took_ns = elapsed_ns() - asked_at;
  if (work->target.identified) context->held = false;
  auto taken = applied ? adopt_config(*context, work->config) : Result<>();
  if (applied) context->counts.named(work->config.hostname);
  if (work->target.identified) {
    ++context->settling;
    context->wall_clock.move_later(work->target.clock_step_ns);
    context->runtime.spawn(settle(context, work));
  }
  CO_TRY(std::move(applied));
  co_return taken;
}

}  // namespace

Task<> configure(ContextPtr context, StreamPtr stream) {
  auto applied = co_await apply(context, stream);
  if (applied) {
    (void)co_await stream->reply_json(200, dump_json({{"ok", true}, {"clock_unix_ns", context->wall_clock.unix_ns()}}));
    co_return;
  }
  context->log().error("configure.failed", {{"error", applied.error().sentence()}});
  (void)co_await stream->reply_error(applied.error());
}

}  // namespace banger::roles::agent
