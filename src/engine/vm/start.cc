// From a stopped VM to one whose agent answers, and what watches it from then on.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/vm/owner.h"
#include "ext4/ext4.h"
#include "guestcfg/cpio.h"
#include "host/files.h"

namespace banger::engine {

namespace {

store::StartedFrom started_from(store::SaveKind kind) {
  switch (kind) {
    case store::SaveKind::template_:
      return store::StartedFrom::clone;
    case store::SaveKind::suspend:
      return store::StartedFrom::resume;
    case store::SaveKind::snapshot:
      return store::StartedFrom::snapshot;
    case store::SaveKind::fork:
      return store::StartedFrom::fork;
  }
  return store::StartedFrom::boot;
}

}  // namespace

Task<Result<>> VmOwner::boot(Stages& stages, host::Cancel& cancel, WaitFor wait) {
  launched_ = system_wanted_ = false;
  metrics_.reset();
  CO_TRY(cancel.check());
  for (const auto* capability : capabilities::all())
    if (capability->check)
      CO_TRY(in(capability->name, capability->check({.spec = spec_, .state_directory = services_.paths.state})));
  CO_TRY(services_.resources.check(spec_));
  row_.link_token = to_hex(host::random_bytes(16));
  CO_TRY(co_await prepare_disks(stages));
  auto vm = CO_TRY(co_await context());
  // A guest would only find out as PID 1; here it can still be said in a sentence.
  if (auto sound = ext4::check_ext4(vm.rootfs); !sound)
    co_return std::unexpected(std::move(sound)
                                  .error()
                                  .in(fmt::format("the rootfs of image '{}'", spec_.image))
                                  .with_hint(fmt::format("banger image delete {}, then make it again", spec_.image)));
  machine::MachineConfig config;
  if (spec_.network != vm::Network::user) stages.begin("network");
  CO_TRY(co_await services_.resources.acquire(vm, config));
  std::optional<store::SaveRow> save;
  if (!row_.save_id.empty()) save = CO_TRY(services_.saves.get(row_.save_id));
  CO_TRY(co_await launch(stages, vm, save, std::move(config)));
  CO_TRY(co_await wait_ready(stages, cancel, save));
  if (save) CO_TRY(co_await take_identity(stages, *save));
  for (const auto* capability : capabilities::all()) {
    if (!capability->started) continue;
    if (auto started = co_await capability->started(vm, *client_); !started)
      services_.log.warn("capability.started_failed",
                         {{"vm", row_.name}, {"capability", capability->name}, {"error", started.error().message}});
  }
  row_.booted = true;
  row_.started_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  CO_TRY(move_to(State::running));
  if (wait == WaitFor::system) CO_TRY(co_await wait_system(stages, cancel));
  co_return Result<>{};
}

// What a machine that boots is started with: kernel, agent, and the guest config as an archive of its own.
Result<> VmOwner::add_boot(const capabilities::VmContext& vm, const image::Kernel& kernel, std::string agent_archive,
                           machine::MachineConfig& config) {
  config.kernel = kernel.vmlinux;
  config.memory_file = memory_file_;
  std::string guest_archive = directory() + "/guest.cpio";
  TRY(host::write_file(guest_archive, guestcfg::config_archive(TRY(guest_config(vm)))));
  if (!kernel.initrd.empty()) config.initrds.push_back(kernel.initrd);
  config.initrds.push_back(std::move(agent_archive));
  config.initrds.push_back(std::move(guest_archive));
  return {};
}

// Processors and memory are those that were saved, whatever the record says by now.
Result<> VmOwner::add_restore(const store::SaveRow& save, const machine::Driver& driver,
                              machine::MachineConfig& config) {
  auto spec = TRY(vm::spec_from_json(TRY(parse_json(save.spec, limits::kRpcMessageBytes))));
  config.vcpus = spec.vcpus;
  config.memory_bytes = spec.memory_bytes;
  config.restore = TRY(services_.saves.state(save, driver.build_key()));
  return {};
}

Result<guestcfg::GuestConfig> VmOwner::guest_config(const capabilities::VmContext& vm) const {
  guestcfg::GuestConfig guest;
  for (const auto* capability : capabilities::all())
    if (capability->guest) TRY(in(capability->name, capability->guest(vm, guest)));
  for (const auto& [key, value] : spec_.environment) guest.environment[key] = value;
  return guest;
}

Task<Result<>> VmOwner::launch(Stages& stages, const capabilities::VmContext& vm,
                               const std::optional<store::SaveRow>& save, machine::MachineConfig config) {
  stages.begin("config");
  auto kernel = CO_TRY(services_.kernels.get(row_.kernel));
  auto* driver = CO_TRY(co_await services_.vmms.choose(kernel.vmlinux, network_needs(spec_)));

  config.id = row_.id;
  config.reason = (co_await services_.vmms.decide(kernel.vmlinux, network_needs(spec_))).value_or(Choice{}).why;
  config.token = to_hex(host::random_bytes(16));
  config.directory = directory();
  config.vcpus = spec_.vcpus;
  config.memory_bytes = spec_.memory_bytes;
  config.metrics = services_.config.metrics_poll_interval.count() > 0;
  for (const auto* capability : capabilities::all())
    if (capability->machine) CO_TRY(in(capability->name, capability->machine(vm, config)));
  if (!driver->inherits_taps())
    for (auto& tap : config.taps) tap.fd.reset();
  if (save)
    CO_TRY(in("saved state", add_restore(*save, *driver, config)));
  else
    CO_TRY(add_boot(vm, kernel, CO_TRY(co_await services_.initramfs.agent_archive(kernel)), config));
  row_.started_from = save ? started_from(save->kind) : store::StartedFrom::boot;

  // Written before the process exists: after a crash it is found by this token.
  CO_TRY(services_.store.add_journal({0, row_.id, "process", config.token}));
  row_.machine = dump_json(machine::to_json(driver->planned(config)));
  CO_TRY(keep_row());

  stages.begin("vmm");
  machine::StartObserver observer{.started = [this](const machine::MachineRecord& record) {
    row_.machine = dump_json(machine::to_json(record));
    return keep_row();
  }};
  attach(CO_TRY(co_await driver->start(config, observer)));
  launched_ = true;
  co_return co_await services_.resources.admit(row_.id, spec_);
}

void VmOwner::attach(std::shared_ptr<machine::Machine> machine) {
  machine_ = machine;
  services_.runtime.spawn(watch_exit(shared_from_this(), machine));
}

void VmOwner::use_link(std::shared_ptr<link::Client> client) {
  client_ = client;
  changed_.notify_all();
  services_.runtime.spawn(watch_system(shared_from_this(), client));
}

namespace {

// The connection attempt, owned by whoever is left: the waiter may give up first.
constexpr std::chrono::milliseconds kTokenTurn = std::chrono::seconds(3);
constexpr auto kFirstCommands = std::chrono::seconds(2);

struct Attempt {
  explicit Attempt(host::Runtime& runtime) : done(runtime) {}
  host::Event done;
  std::optional<Result<std::shared_ptr<link::Client>>> result;
  std::string token;  ///< that was answered last, or tried
  bool finished = false;
};

// With several tokens each is tried for a while, in turns: the wrong one is not refused, it is not answered. A guest
// that is slow to answer gets more time with each turn.
Task<> try_link(std::shared_ptr<Attempt> attempt, host::Runtime& runtime, std::shared_ptr<machine::Machine> machine,
                std::vector<std::string> tokens, host::Deadline deadline) {
  for (std::size_t turn = 0;
       !attempt->result || (attempt->result->error().code == ErrorCode::timeout && host::Clock::now() < deadline);
       ++turn) {
    auto until =
        tokens.size() == 1 ? deadline : std::min(deadline, host::after(kTokenTurn * (1 + turn / tokens.size())));
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

}  // namespace

Task<Result<>> VmOwner::wait_ready(Stages& stages, host::Cancel& cancel, const std::optional<store::SaveRow>& save) {
  stages.begin(save ? "agent" : "boot",
               fmt::format("{} on {}", machine_->record().accelerator, machine_->record().driver));
  std::chrono::milliseconds patience = save ? limits::kRestoreDeadline : services_.config.ready_timeout;
  auto deadline = host::after(patience);
  auto attempt = std::make_shared<Attempt>(services_.runtime);
  auto tokens = CO_TRY(link_tokens());
  // The older one first: as a rule what was saved has no identity yet.
  std::ranges::reverse(tokens);
  services_.runtime.spawn(try_link(attempt, services_.runtime, machine_, std::move(tokens), deadline));
  std::string logs_hint = fmt::format("banger vm logs {}", row_.name);
  while (!attempt->finished) {
    if (cancel.requested() || abort_) co_return fail(ErrorCode::cancelled, "cancelled");
    if (!machine_->running()) {
      auto exit = co_await machine_->wait_exit();
      co_return fail(ErrorCode::unavailable, fmt::format("the guest ended before it was ready: {}", exit.reason),
                     logs_hint);
    }
    co_await attempt->done.wait(host::after(std::chrono::milliseconds(100)));
  }
  if (!*attempt->result) {
    auto error = std::move(attempt->result->error());
    // A guest that powers off closes its link a moment before its process is gone; how it ended says more.
    for (int i = 0; i < 20 && error.code != ErrorCode::timeout && machine_->running(); ++i)
      co_await changed_.wait(host::after(std::chrono::milliseconds(100)));
    if (!machine_->running())
      co_return fail(ErrorCode::unavailable,
                     fmt::format("the guest ended before it was ready: {}", (co_await machine_->wait_exit()).reason),
                     logs_hint);
    if (error.code == ErrorCode::timeout || error.code == ErrorCode::unavailable)
      co_return fail(
          ErrorCode::timeout,
          fmt::format("the guest did not become ready within {}: {}", format_duration(patience), error.message),
          logs_hint);
    co_return std::unexpected(std::move(error));
  }
  use_link(**attempt->result);
  services_.runtime.spawn(keep_link(shared_from_this(), machine_));
  stages.end();
  co_return Result<>{};
}

Task<Result<>> VmOwner::wait_system(Stages& stages, host::Cancel& cancel) {
  stages.begin("system");
  system_wanted_ = true;
  changed_.notify_all();
  auto deadline = host::after(services_.config.ready_timeout);
  while (!system_ready_) {
    if (cancel.requested() || abort_) co_return fail(ErrorCode::cancelled, "cancelled");
    if (!machine_ || !machine_->running())
      co_return fail(ErrorCode::unavailable, "the guest ended before its system was up");
    if (host::Clock::now() >= deadline)
      co_return fail(ErrorCode::timeout, "the guest's init did not reach its boot target in time",
                     fmt::format("banger vm logs {}", row_.name));
    co_await changed_.wait(host::after(std::chrono::milliseconds(100)));
  }
  co_return Result<>{};
}

// Ends when this machine has; takes the turn, so an operation that is under way sees the exit first.
Task<> VmOwner::watch_exit(std::shared_ptr<VmOwner> self, std::shared_ptr<machine::Machine> machine) {
  auto exit = co_await machine->wait_exit();
  self->changed_.notify_all();
  auto turn = co_await self->turn_.lock();
  if (self->machine_ != machine || self->gone_) co_return;
  self->services_.log.info("vm.exited", {{"vm", self->row_.name}, {"id", self->row_.id}, {"reason", exit.reason}});
  auto settled =
      co_await self->settle_stopped(exit.guest_initiated ? "" : fmt::format("the machine ended: {}", exit.reason));
  if (!settled)
    self->services_.log.error("vm.settle_failed", {{"vm", self->row_.name}, {"error", settled.error().message}});
}

// The VM's own, then that of what it goes on from. What was saved knows the token of its time until it is given its
// identity, and an agent that dies soon afterwards leaves the next one without; a crash may fall on either side of
// that.
Result<std::vector<std::string>> VmOwner::link_tokens() const {
  std::vector<std::string> tokens = {TRY(from_hex(row_.link_token))};
  if (auto save = services_.saves.get(row_.save_id)) tokens.push_back(TRY(from_hex(save->link_token)));
  return tokens;
}

// For an agent that answers to the token of what was saved, the guest has no identity.
Task<Result<std::shared_ptr<link::Client>>> VmOwner::reopen_link(std::shared_ptr<machine::Machine> machine) {
  auto& runtime = services_.runtime;
  auto tokens = CO_TRY(link_tokens());
  auto own = tokens.front();
  auto attempt = std::make_shared<Attempt>(runtime);
  co_await try_link(attempt, runtime, machine, std::move(tokens), host::after(limits::kLinkRequestDeadline));
  auto client = CO_TRY(std::move(*attempt->result));
  if (attempt->token != own) CO_TRY(co_await configure(client, false));
  // Whoever held its commands while it was saved may have been cut short.
  (void)co_await client->call("POST", "/hold", R"({"hold":false})", host::after(limits::kHoldDeadline));
  co_return client;
}

// Reconnects when the agent or the channel restarts, for as long as the machine runs.
Task<> VmOwner::keep_link(std::shared_ptr<VmOwner> self, std::shared_ptr<machine::Machine> machine) {
  auto still = [&] { return self->machine_ == machine && machine->running(); };
  while (still()) {
    if (auto client = self->client_) {
      co_await client->closed();
      if (self->client_ == client) self->client_.reset();
      self->changed_.notify_all();
    }
    if (!still()) co_return;
    auto client = co_await self->reopen_link(machine);
    if (self->machine_ != machine) co_return;
    if (client) {
      self->use_link(*client);
      continue;
    }
    self->services_.log.debug("vm.no_link", {{"vm", self->row_.name}, {"error", client.error().message}});
    co_await self->services_.runtime.sleep_for(std::chrono::milliseconds(200));
  }
}

Task<> VmOwner::watch_system(std::shared_ptr<VmOwner> self, std::shared_ptr<link::Client> client) {
  // What was saved had been up, and is busy with who it is and its first command: the question would only hold it up.
  auto later =
      host::after(self->row_.started_from == store::StartedFrom::boot ? std::chrono::seconds(0) : kFirstCommands);
  while (!self->system_wanted_ && host::Clock::now() < later) co_await self->changed_.wait(later);
  while (client->alive() && !self->system_ready_) {
    const char* question = self->system_wanted_ ? "/health?wait=system&hurry=1" : "/health?wait=system";
    auto text = co_await client->call("GET", question, "", host::after(std::chrono::seconds(150)));
    if (!text) {
      co_await self->services_.runtime.sleep_for(std::chrono::milliseconds(500));
      continue;
    }
    auto health = parse_json(*text, limits::kLinkJsonBytes);
    auto ready = health ? get_bool(*health, "system_ready") : Result<bool>(false);
    if (!ready || !*ready) {
      co_await self->services_.runtime.sleep_for(std::chrono::milliseconds(500));
      continue;
    }
    if (self->client_ != client) co_return;
    self->system_ready_ = true;
    self->changed_.notify_all();
  }
}

}  // namespace banger::engine
