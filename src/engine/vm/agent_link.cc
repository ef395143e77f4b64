#include "engine/vm/agent_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "engine/bounds.h"
#include "engine/vm/identity.h"
#include "engine/vm/named_client.h"
#include "link/bounds.h"

namespace banger::engine {

namespace {

// A connection attempt. The waiter and the coroutine share it, because the waiter may give up first.
struct Attempt {
  explicit Attempt(host::Runtime& runtime) : done(runtime) {}
  host::Event done;
  std::optional<Result<std::shared_ptr<link::Client>>> result;
  std::string token;  ///< the token that was tried last
  bool finished = false;
};

// An agent does not answer a wrong token, so several tokens take turns. A guest that is slow to answer gets more time
// with each turn.
Task<> try_link(std::shared_ptr<Attempt> attempt, host::Runtime& runtime, std::shared_ptr<machine::Machine> machine,
                std::vector<std::string> tokens, host::Deadline deadline) {
  for (std::size_t turn = 0;
       !attempt->result || (attempt->result->error().code == ErrorCode::timeout && host::Clock::now() < deadline);
       ++turn) {
    auto until = tokens.size() == 1 ? deadline
                                    : std::min(deadline, host::after(limits::kTokenTurn * (1 + turn / tokens.size())));
    attempt->token = tokens[turn % tokens.size()];
    auto channel = co_await machine->open_link();
    if (!channel)
      attempt->result = std::unexpected(channel.error());
    else
      attempt->result = co_await link::connect(runtime, std::move(*channel), attempt->token, until);
    if (*attempt->result) break;
  }
  if (*attempt->result)
    for (const auto& token : tokens) (**attempt->result)->expect(token);
  attempt->finished = true;
  attempt->done.notify_all();
}

Task<> correct_clock_of(std::shared_ptr<link::Client> client, const Logger& log, const store::VmRow& row) {
  auto clock = co_await engine::correct_clock(*client);
  if (clock && *clock == Clock::sure) co_return;
  log.warn("vm.clock_unsure",
           {{"vm", row.name}, {"id", row.id}, {"error", clock ? std::string() : clock.error().message}});
}

std::string hold_body(Hold hold) { return hold == Hold::on ? R"({"hold":true})" : R"({"hold":false})"; }

}  // namespace

Task<Result<>> AgentLink::connect(Machine machine, std::chrono::milliseconds timeout, GivenUp given_up) {
  system_wanted_ = false;
  auto found = co_await wait_for(machine, timeout, std::move(given_up));
  if (!found && found.error().hint.empty() && found.error().code != ErrorCode::cancelled)
    found.error().hint = fmt::format("banger vm logs {}", record_->row().name);
  CO_TRY(std::move(found));
  keep(std::move(machine));
  co_return Result<>{};
}

Task<Result<>> AgentLink::wait_for(Machine machine, std::chrono::milliseconds timeout, GivenUp given_up) {
  auto attempt = std::make_shared<Attempt>(runtime_);
  auto tokens = CO_TRY(tokens_());
  // The saved guest's token comes first, because a restored guest usually has no identity yet.
  std::ranges::reverse(tokens);
  runtime_.spawn(try_link(attempt, runtime_, machine, std::move(tokens), host::after(timeout)));
  while (!attempt->finished && machine->running()) {
    if (given_up()) co_return fail(ErrorCode::cancelled, "cancelled");
    co_await attempt->done.wait(host::after(limits::kAgentPoll));
  }
  auto code = attempt->finished && !*attempt->result ? attempt->result->error().code : ErrorCode::timeout;
  // A guest that powers off closes its link a moment before its process ends. The reason of the exit explains more
  // than the lost link does.
  auto exit_deadline = host::after(limits::kExitDeadline);
  while (code != ErrorCode::timeout && machine->running() && host::Clock::now() < exit_deadline)
    co_await record_->changed().wait(host::after(limits::kAgentPoll));
  if (!machine->running()) {
    auto exit = co_await machine->wait_exit();
    co_return fail(ErrorCode::unavailable, fmt::format("the guest ended before it was ready: {}", exit.reason));
  }
  auto& result = *attempt->result;
  if (result) {
    use(*result);
    co_return Result<>{};
  }
  if (code == ErrorCode::timeout || code == ErrorCode::unavailable)
    co_return fail(ErrorCode::timeout, fmt::format("the guest did not become ready within {}: {}",
                                                   format_duration(timeout), result.error().message));
  co_return std::unexpected(std::move(result.error()));
}

void AgentLink::keep(Machine machine) {
  machine_ = machine;
  runtime_.spawn(reconnect(shared_from_this(), std::move(machine)));
}

void AgentLink::use(std::shared_ptr<link::Client> client) {
  client_ = client;
  record_->changed().notify_all();
  runtime_.spawn(watch_system(shared_from_this(), std::move(client)));
}

Task<Result<std::shared_ptr<link::Client>>> AgentLink::client(host::Deadline deadline) {
  auto reached = CO_TRY(co_await reach(deadline));
  co_return with_name(std::move(reached), record_);
}

Task<Result<std::shared_ptr<link::Client>>> AgentLink::reach(host::Deadline deadline) {
  const auto& name = record_->row().name;
  if (auto why = machine_ ? machine_->paused_because() : ""; !why.empty())
    co_return fail(ErrorCode::unavailable, fmt::format("vm '{}' is paused: {}", name, why),
                   fmt::format("free some space; the VM then goes on by itself, or at banger vm resume {}", name));
  while (!up()) {
    CO_TRY(record_->admit(vm::Operation::reach_agent));
    if (host::Clock::now() >= deadline)
      co_return fail(ErrorCode::timeout, fmt::format("the agent in vm '{}' does not answer", name),
                     fmt::format("look at banger vm logs {}", name));
    co_await record_->changed().wait(std::min(deadline, host::after(limits::kReconnectPoll)));
  }
  CO_TRY(co_await check_silence(deadline));
  co_return client_;
}

// A request to a guest that was silent lately would probably wait for its whole deadline. A question costs less.
Task<Result<>> AgentLink::check_silence(host::Deadline deadline) {
  if (!silent()) co_return Result<>{};
  auto client = client_;
  if (co_await client->ping(std::min(deadline, host::after(limits::kSilentPingDeadline)))) {
    if (client_ == client) set_silent(false);
    co_return Result<>{};
  }
  const auto& name = record_->row().name;
  auto silence = std::chrono::duration_cast<std::chrono::seconds>(host::Clock::now() - client->last_heard());
  co_return fail(ErrorCode::timeout, fmt::format("vm '{}' has not answered for {}", name, format_duration(silence)),
                 fmt::format("see banger vm logs {0}; banger vm kill {0} ends it", name));
}

Task<Result<>> AgentLink::wait_system(std::chrono::milliseconds timeout, GivenUp given_up) {
  system_wanted_ = true;
  record_->changed().notify_all();
  auto deadline = host::after(timeout);
  while (!system_up_) {
    if (given_up()) co_return fail(ErrorCode::cancelled, "cancelled");
    if (!machine_ || !machine_->running())
      co_return fail(ErrorCode::unavailable, "the guest ended before its system was up");
    if (host::Clock::now() >= deadline)
      co_return fail(ErrorCode::timeout, "the guest's init did not reach its boot target in time",
                     fmt::format("see banger vm logs {}; the VM keeps running, and --wait agent does not wait for init",
                                 record_->row().name));
    co_await record_->changed().wait(host::after(limits::kAgentPoll));
  }
  co_return Result<>{};
}

Task<Result<>> AgentLink::hold(Hold hold) {
  auto to = CO_TRY(co_await reach(host::after(limits::kHoldDeadline)));
  CO_TRY(in(fmt::format("prepare the guest of vm '{}'", record_->row().name),
            co_await to->call("POST", "/hold", hold_body(hold), host::after(limits::kHoldDeadline))));
  co_return Result<>{};
}

Task<> AgentLink::correct_clock() {
  if (auto to = client()) co_await correct_clock_of(std::move(to), log_, record_->row());
}

void AgentLink::set_silent(bool silent) {
  if (std::exchange(silent_, silent) == silent) return;
  if (silent && client_) client_->fell_silent();
  const auto& row = record_->row();
  if (silent)
    log_.warn("vm.silent", {{"vm", row.name}, {"id", row.id}});
  else
    log_.info("vm.answers", {{"vm", row.name}, {"id", row.id}});
  record_->report(silent ? vm::Event::silent : vm::Event::answers);
  record_->changed().notify_all();
}

void AgentLink::drop() {
  silent_ = false;
  if (client_) client_->close();
  client_.reset();
  system_up_ = false;
}

void AgentLink::close() {
  drop();
  machine_.reset();
}

// When the agent answers to the saved guest's token, the guest has not got its identity yet.
Task<Result<std::shared_ptr<link::Client>>> AgentLink::reopen(Machine machine) {
  auto tokens = CO_TRY(tokens_());
  auto own = tokens.front();
  auto attempt = std::make_shared<Attempt>(runtime_);
  co_await try_link(attempt, runtime_, machine, std::move(tokens), host::after(limits::kLinkRequestDeadline));
  auto client = CO_TRY(std::move(*attempt->result));
  if (machine_ != machine) co_return fail(ErrorCode::cancelled, "the machine has ended");
  if (attempt->token != own) CO_TRY(co_await identify_(client));
  // A save that was interrupted may have left the hold on, and the guest may have stood still.
  (void)co_await client->call("POST", "/hold", hold_body(Hold::off), host::after(limits::kHoldDeadline));
  co_await correct_clock_of(client, log_, record_->row());
  co_return client;
}

// Returns when this machine has ended.
Task<> AgentLink::reconnect(std::shared_ptr<AgentLink> self, Machine machine) {
  auto still = [&] { return self->machine_ == machine && machine->running(); };
  while (still()) {
    if (auto client = self->client_) {
      co_await client->closed();
      if (self->client_ == client) self->client_.reset();
      self->record_->changed().notify_all();
    }
    if (!still()) co_return;
    auto client = co_await self->reopen(machine);
    if (self->machine_ != machine) co_return;
    if (client) {
      self->use(*client);
      continue;
    }
    self->log_.debug("vm.no_link", {{"vm", self->record_->row().name}, {"error", client.error().message}});
    co_await self->runtime_.sleep_for(limits::kReconnectPause);
  }
}

Task<> AgentLink::watch_system(std::shared_ptr<AgentLink> self, std::shared_ptr<link::Client> client) {
  auto& changed = self->record_->changed();
  // The system of a restored guest is already up. The request would only delay the guest's identity and first command.
  bool booted = self->record_->row().started_from == store::StartedFrom::boot;
  auto later = booted ? host::Clock::now() : host::after(limits::kSystemRequestDelay);
  while (!self->system_wanted_ && host::Clock::now() < later) co_await changed.wait(later);
  while (client->alive() && !self->system_up_) {
    const char* request = self->system_wanted_ ? "/health?wait=system&hurry=1" : "/health?wait=system";
    auto text = co_await client->call("GET", request, "", host::after(limits::kSystemRequestDeadline));
    auto health = text ? parse_json(*text, limits::kLinkJsonBytes) : std::unexpected(text.error());
    auto ready = health ? get_bool(*health, "system_ready") : Result<bool>(false);
    if (!ready || !*ready) {
      co_await self->runtime_.sleep_for(limits::kSystemRetry);
      continue;
    }
    if (self->client_ != client) co_return;
    self->system_up_ = true;
    self->record_->report(vm::Event::ready);
    changed.notify_all();
  }
}

}  // namespace banger::engine
