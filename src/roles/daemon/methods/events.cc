// vm.events: the stream of what happens to VMs.
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "api/objects/event.h"
#include "engine/events/event_log.h"
#include "engine/events/vm_events.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

/// The ids of the VMs that a client follows; nullopt: all VMs.
using Followed = std::optional<std::set<std::string>>;

Result<Followed> followed_vms(Daemon& daemon, const Json& params) {
  auto names = TRY(find_strings(params, "vms"));
  if (names.empty()) return Followed();
  std::set<std::string> ids;
  for (const auto& name : names) ids.insert(TRY(daemon.vms.registry().get(name))->record().id());
  return Followed(std::move(ids));
}

std::string line_of(const engine::VmEvent& event) {
  return dump_json(api::to_json(api::EventObject{.sequence = event.sequence,
                                                 .time_ms = event.time_ms,
                                                 .event = std::string(vm::to_string(event.what)),
                                                 .id = event.id,
                                                 .name = event.name,
                                                 .state = event.state,
                                                 .detail = event.detail})) +
         "\n";
}

/// What one client has got so far.
class Follow {
 public:
  Follow(engine::EventLog& log, Followed vms, std::uint64_t after) : log_(log), vms_(std::move(vms)), at_(after) {}

  bool has_more() const { return log_.last() > at_; }
  /// All VMs that the client named are deleted.
  bool is_over() const { return vms_ && vms_->empty(); }

  /// The lines of the next events. May be empty, when they are about other VMs.
  std::string next() {
    std::string lines;
    auto batch = log_.after(at_);
    if (batch.missed > 0)
      lines += line_of({.sequence = at_,
                        .time_ms = engine::unix_ms(),
                        .what = vm::Event::missed,
                        .detail = std::to_string(batch.missed)});
    for (const auto& event : batch.events) {
      at_ = event.sequence;
      if (!follows(event.id)) continue;
      lines += line_of(event);
      if (vms_ && event.what == vm::Event::deleted) vms_->erase(event.id);
    }
    return lines;
  }

  /// The states of all VMs, after the events so far.
  std::string current(const engine::VmRegistry& registry) const {
    std::string lines;
    for (const auto& vm : registry.list()) {
      if (!follows(vm->record().id())) continue;
      auto event = engine::event_of(vm->record().row(), vm::Event::current);
      event.sequence = at_;
      event.time_ms = engine::unix_ms();
      event.state = vm::to_string(vm->state());
      lines += line_of(event);
    }
    return lines;
  }

 private:
  bool follows(const std::string& id) const { return !vms_ || vms_->contains(id); }

  engine::EventLog& log_;
  Followed vms_;
  std::uint64_t at_;  ///< the sequence of the last event that the client has got
};

// A client that does not read holds up only this coroutine. The log goes on without it.
Task<Result<>> send_events(Daemon& daemon, Follow& follow, rpc::RawStream& caller, host::Cancel& cancel) {
  while (follow.has_more()) CO_TRY(co_await caller.write(follow.next()));
  CO_TRY(co_await caller.write(follow.current(daemon.vms.registry())));
  while (!cancel.requested() && !follow.is_over()) {
    if (!follow.has_more()) {
      co_await cancel.event().wait();
      continue;
    }
    if (auto lines = follow.next(); !lines.empty()) CO_TRY(co_await caller.write(std::move(lines)));
  }
  co_return Result<>{};
}

Task<Result<Json>> events(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto& log = *daemon.services.events;
  auto vms = CO_TRY(followed_vms(daemon, params));
  auto since = CO_TRY(find_ms(params, "since_ms"));
  Follow follow(log, std::move(vms), since ? log.last_before(engine::unix_ms() - since->count()) : log.last());
  auto caller = CO_TRY(co_await context.become_stream(Json::object()));
  engine::EventLog::Follower follower(log, context.cancel().event());
  (void)co_await send_events(daemon, follow, *caller, context.cancel());
  caller->shutdown_write();
  co_return Json();
}

constexpr Handler kHandlers[] = {{"vm.events", events}};

}  // namespace

std::span<const Handler> event_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
