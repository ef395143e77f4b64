// State, operations and their order. Starting is in vm_start.cc, crash recovery in vm_recover.cc.
#include "engine/vm/owner.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "net/addresses.h"

namespace banger::engine {

using capabilities::TakesEffect;
using vm::State;

VmOwner::VmOwner(Services& services, store::VmRow row, vm::Spec spec)
    : services_(services),
      row_(std::move(row)),
      spec_(std::move(spec)),
      state_(vm::state_from_string(row_.state).value_or(State::stopped)),
      turn_(services.runtime),
      changed_(services.runtime) {}

std::string VmOwner::directory() const { return services_.paths.vm(row_.id); }

namespace {

std::uint64_t used_bytes(const std::string& directory) {
  std::uint64_t sum = 0;
  for (const char* file :
       {"system.img", "work.img", "guest.cpio", "initrd.img", "console.log", "machine.log", "firecracker.log"})
    sum += host::disk_usage(directory + "/" + file);
  return sum;
}

}  // namespace

std::string VmOwner::guest_address() const {
  if (auto own = own_address()) return *own;
  std::string_view address = net::kUserGuest;
  return std::string(address.substr(0, address.find('/')));
}

Json VmOwner::describe() const {
  auto image = services_.images.get(row_.image_id);
  Json stages = Json::parse(row_.stages.empty() ? "[]" : row_.stages, nullptr, false);
  Json json = {{"id", row_.id},
               {"name", row_.name},
               {"state", vm::to_string(state_)},
               {"image", image ? image->name : spec_.image},
               {"image_id", row_.image_id},
               {"kernel", row_.kernel},
               {"vcpus", spec_.vcpus},
               {"memory_bytes", spec_.memory_bytes},
               {"disk_bytes", spec_.disk_bytes},
               {"system_bytes", spec_.system_bytes},
               {"nat", spec_.nat},
               {"network", vm::to_string(spec_.network)},
               {"storage", vm::to_string(spec_.storage)},
               {"address", guest_address()},
               {"labels", spec_.labels},
               {"created_at", row_.created_at},
               {"started_at", row_.started_at},
               {"agent_ready", client_ != nullptr && client_->alive()},
               {"system_ready", system_ready_},
               {"last_error", row_.last_error},
               {"disk_used_bytes", used_bytes(directory())},
               {"directory", directory()},
               {"stages", stages.is_array() ? stages : Json::array()},
               {"way", row_.started_from ? store::to_string(*row_.started_from) : ""},
               {"template", ""},
               {"machine", ""},
               {"machine_reason", ""},
               {"accelerator", ""},
               {"pid", nullptr},
               {"metrics", metrics()},
               {"ephemeral", row_.ephemeral}};
  if (auto save = services_.saves.get(row_.save_id); save && save->kind == store::SaveKind::template_)
    json["template"] = save->id;
  if (machine_) {
    json["machine"] = fmt::format("{} {}", machine_->record().driver, machine_->record().version);
    json["machine_reason"] = machine_->record().reason;
    json["accelerator"] = machine_->record().accelerator;
    json["pid"] = machine_->record().process.pid;
  }
  return json;
}

Result<> VmOwner::move_to(State state) {
  if (state == state_) return {};
  if (!vm::can_move(state_, state))
    return fail(ErrorCode::busy, fmt::format("vm '{}' is {} and cannot become {} now", row_.name, vm::to_string(state_),
                                             vm::to_string(state)));
  auto old = std::exchange(row_.state, std::string(vm::to_string(state)));
  if (auto saved = keep_row(); !saved) {
    row_.state = old;
    return saved;
  }
  services_.log.info("vm.state", {{"vm", row_.name}, {"id", row_.id}, {"from", old}, {"to", row_.state}});
  state_ = state;
  last_use_ = host::Clock::now();
  stats_.clear();
  changed_.notify_all();
  return {};
}

// What is nobody's yet has the shortest name there is: the name of whose it becomes is written over it, and to cut a
// file shorter would cost each clone more than to write it. A machine in the pool has another one than its template, so
// that it has done that writing once.
std::string VmOwner::guest_name() const {
  if (row_.purpose == store::Purpose::user) return row_.name;
  return row_.purpose == store::Purpose::template_build ? "t" : "p";
}

Task<Result<capabilities::VmContext>> VmOwner::context() {
  auto image = CO_TRY(services_.images.get(row_.image_id));
  auto kernel = CO_TRY(services_.kernels.get(row_.kernel));
  co_return capabilities::VmContext{.runtime = services_.runtime,
                                    .log = services_.log,
                                    .id = row_.id,
                                    .name = guest_name(),
                                    .spec = spec_,
                                    .directory = directory(),
                                    .rootfs = image.rootfs,
                                    .work_seed = image.work_seed,
                                    .kernel = kernel.vmlinux,
                                    .modules = kernel.modules_image,
                                    .link_token = row_.link_token,
                                    .number = row_.number,
                                    .first_boot = !row_.booted,
                                    .restores = !row_.save_id.empty(),
                                    .port = services_.resources.port(row_.id)};
}

Task<Result<>> VmOwner::make(Stages& stages, host::Cancel& cancel, std::string disks_of) {
  auto turn = CO_TRY(co_await take_turn());
  CO_TRY(cancel.check());
  CO_TRY(host::make_private_directory(directory()));
  stages.begin("disks");
  if (!disks_of.empty()) CO_TRY(co_await copy_disks(std::move(disks_of), false));
  CO_TRY(co_await prepare_disks(stages));
  CO_TRY(cancel.check());
  co_return move_to(State::stopped);
}

Task<Result<>> VmOwner::prepare_disks(Stages& stages) {
  auto vm = CO_TRY(co_await context());
  for (const auto* capability : capabilities::all())
    if (capability->prepare) CO_TRY(in(capability->name, co_await capability->prepare(vm)));
  co_return Result<>{};
}

Task<Result<>> VmOwner::start(Stages& stages, host::Cancel& cancel, WaitFor wait) {
  auto turn = CO_TRY(co_await take_turn());
  if (gone_) co_return fail(ErrorCode::not_found, fmt::format("vm '{}' was deleted", row_.name));
  if (state_ == State::running) co_return Result<>{};
  abort_ = false;
  // One that could not be ended before must not run beside the new one.
  CO_TRY(co_await end_machine());
  CO_TRY(move_to(State::starting));
  auto booted = co_await boot(stages, cancel, wait);
  if (!booted && booted.error().code != ErrorCode::cancelled)
    if (auto save = services_.saves.get(row_.save_id); save && save->kind == store::SaveKind::template_)
      booted = co_await boot_instead(stages, cancel, wait, std::move(booted).error());
  stages.end();
  row_.stages = dump_json(stages.to_json());
  if (!booted) co_return co_await failed_start(std::move(booted).error().in(fmt::format("start vm '{}'", row_.name)));
  row_.last_error.clear();
  CO_TRY(keep_row());
  services_.log.info("vm.started", {{"vm", row_.name}, {"id", row_.id}, {"stages", row_.stages}});
  co_return Result<>{};
}

// A suspended VM whose machine never ran again has lost nothing.
Task<Result<>> VmOwner::failed_start(Error error) {
  auto save = services_.saves.get(row_.save_id);
  if (launched_ || !save || save->kind != store::SaveKind::suspend)
    co_return co_await stopped_by_failure(std::move(error));
  services_.log.warn("vm.resume_failed", {{"vm", row_.name}, {"id", row_.id}, {"error", error.sentence()}});
  CO_TRY(co_await end_machine());
  CO_TRY(co_await settle(State::suspended, error.sentence()));
  if (error.hint.empty())
    error.hint = fmt::format("banger vm start --cold {} boots it from its disks; what was in its memory is lost then",
                             row_.name);
  co_return std::unexpected(std::move(error));
}

Task<Result<>> VmOwner::stopped_by_failure(Error error) {
  services_.log.warn("vm.start_failed", {{"vm", row_.name}, {"id", row_.id}, {"error", error.sentence()}});
  if (auto ended = co_await end_machine(); !ended)
    services_.log.error("vm.end_failed", {{"vm", row_.name}, {"error", ended.error().message}});
  if (auto settled = co_await settle_stopped(error.sentence()); !settled) co_return settled;
  co_return std::unexpected(std::move(error));
}

// Kills the process if there is one, and forgets it only when it is gone.
Task<Result<>> VmOwner::end_machine() {
  if (client_) client_->close();
  client_.reset();
  system_ready_ = false;
  if (!machine_) co_return Result<>{};
  auto machine = machine_;
  if (machine->running()) CO_TRY(co_await machine->kill());
  machine_.reset();
  co_return Result<>{};
}

// The process is gone: releases what it held of the host, and records it.
Task<Result<>> VmOwner::settle(State state, std::string last_error) {
  machine_.reset();
  if (client_) client_->close();
  client_.reset();
  system_ready_ = false;
  co_await services_.resources.release_all(row_.id);
  if (auto record = parse_json(row_.machine, limits::kRpcMessageBytes); record && record->contains("token"))
    CO_TRY(services_.store.remove_journal(row_.id, "process", record->at("token").get<std::string>()));
  row_.machine.clear();
  row_.started_from.reset();
  row_.last_error = std::move(last_error);
  // A machine that has ended cannot go on from where it once began: its disks have moved on.
  auto save = state == State::stopped ? std::exchange(row_.save_id, "") : "";
  // What only serves one start holds its secrets; it goes with the process.
  for (const char* file : {"guest.cpio", "initrd.img", "qmp.sock", "agent.sock", "api.sock", "vsock.sock"})
    (void)host::remove_file(directory() + "/" + file);
  CO_TRY(state_ == state ? keep_row() : move_to(state));
  services_.saves.release(save);
  co_return Result<>{};
}

Task<> VmOwner::ask_guest_to_stop() {
  if (client_ && client_->alive()) {
    auto mode = !machine_ || machine_->powers_off() ? R"({"mode":"poweroff"})" : R"({"mode":"reboot"})";
    auto asked = co_await client_->call("POST", "/shutdown", mode, host::after(std::chrono::seconds(5)));
    if (asked) co_return;
    services_.log.warn("vm.shutdown_refused", {{"vm", row_.name}, {"error", asked.error().message}});
  }
  if (machine_) (void)co_await machine_->power_button();
}

Task<Result<>> VmOwner::stop(std::chrono::milliseconds patience) {
  auto turn = CO_TRY(co_await take_turn());
  if (state_ == State::stopped || gone_) co_return Result<>{};
  if (state_ == State::suspended)
    co_return fail(ErrorCode::busy, fmt::format("vm '{}' is suspended", row_.name), "resume it first, or kill it");
  abort_ = false;
  CO_TRY(move_to(State::stopping));
  co_await ask_guest_to_stop();
  auto deadline = host::after(patience);
  // watch_exit notifies `changed_` when the process ends; it waits for the turn that is held here.
  while (machine_ && machine_->running() && !abort_ && host::Clock::now() < deadline)
    co_await changed_.wait(std::min(deadline, host::after(std::chrono::milliseconds(200))));
  bool forced = machine_ && machine_->running();
  CO_TRY(co_await end_machine());
  if (forced) services_.log.warn("vm.forced", {{"vm", row_.name}, {"id", row_.id}});
  co_return co_await settle_stopped(forced && !abort_ ? "the guest did not power off in time and was ended" : "");
}

Task<Result<>> VmOwner::kill() {
  abort_ = true;
  changed_.notify_all();
  auto turn = CO_TRY(co_await take_turn());
  if (state_ == State::stopped || gone_) co_return Result<>{};
  if (state_ != State::suspended) CO_TRY(move_to(State::stopping));
  CO_TRY(co_await end_machine());
  co_return co_await settle_stopped("");
}

Result<> VmOwner::keep() {
  if (!std::exchange(row_.ephemeral, false)) return {};
  return keep_row();
}

Task<Result<>> VmOwner::remove(bool force) {
  if (force) {
    abort_ = true;
    changed_.notify_all();
  }
  auto turn = CO_TRY(co_await take_turn());
  if (gone_) co_return Result<>{};
  if (state_ == State::running || state_ == State::starting || state_ == State::stopping ||
      state_ == State::suspending) {
    if (!force)
      co_return fail(ErrorCode::busy, fmt::format("vm '{}' is {}", row_.name, vm::to_string(state_)),
                     "stop it first, or use --force");
    if (state_ != State::stopping) CO_TRY(move_to(State::stopping));
    CO_TRY(co_await end_machine());
    CO_TRY(co_await settle_stopped(""));
  }
  CO_TRY(move_to(State::deleting));
  CO_TRY(co_await end_machine());
  co_await services_.resources.release_all(row_.id);
  auto path = directory();
  CO_TRY(co_await services_.runtime.blocking([&] { return host::remove_tree(path); }));
  CO_TRY(services_.store.delete_vm(row_.id));
  services_.resources.forget(row_.id);
  gone_ = true;
  services_.saves.release(std::exchange(row_.save_id, ""));
  services_.log.info("vm.deleted", {{"vm", row_.name}, {"id", row_.id}});
  changed_.notify_all();
  co_return Result<>{};
}

Task<Result<capabilities::TakesEffect>> VmOwner::change(std::string name, vm::Spec spec) {
  auto turn = CO_TRY(co_await take_turn());
  if (gone_) co_return fail(ErrorCode::not_found, fmt::format("vm '{}' was deleted", row_.name));
  if (spec.disk_bytes < spec_.disk_bytes || spec.system_bytes < spec_.system_bytes)
    co_return fail(ErrorCode::invalid, fmt::format("the disks of vm '{}' can only grow (now {} and {})", row_.name,
                                                   format_size(spec_.disk_bytes), format_size(spec_.system_bytes)));
  auto changed = row_;
  changed.name = std::move(name);
  changed.spec = dump_json(vm::to_json(spec));
  CO_TRY(services_.store.update_vm(changed));
  row_ = std::move(changed);
  auto before = std::exchange(spec_, std::move(spec));
  if (state_ != State::running) co_return TakesEffect::after_restart;
  // First what holds whatever the guest does, then what the guest should know.
  auto takes_effect = CO_TRY(co_await services_.resources.change(row_.id, before, spec_));
  if (takes_effect == TakesEffect::after_restart || !client_ || !client_->alive()) co_return takes_effect;
  if (auto told = co_await configure(client_, false); !told)
    services_.log.warn("vm.configure_failed", {{"vm", row_.name}, {"id", row_.id}, {"error", told.error().sentence()}});
  co_return takes_effect;
}

Task<> VmOwner::release_left() {
  auto turn = co_await turn_.lock();
  // Of a VM that could not be recovered yet the machine may live.
  if (recovery_due_) co_return;
  if (state_ == State::stopped || state_ == State::suspended) co_await services_.resources.release_all(row_.id);
}

host::Clock::duration VmOwner::idle_for() const {
  if (state_ != State::running || uses_ > 0) return {};
  return host::Clock::now() - last_use_;
}

Task<Result<Json>> VmOwner::stats(std::chrono::milliseconds age) {
  if (!stats_.empty() && state_ == State::running && host::Clock::now() - stats_at_ <= age)
    co_return parse_json(stats_, limits::kLinkJsonBytes);
  auto client = CO_TRY(co_await agent(host::after(std::chrono::seconds(10))));
  auto text = CO_TRY(co_await client->call("GET", "/stats", "", host::after(limits::kLinkRequestDeadline)));
  auto json = CO_TRY(in(fmt::format("the answer of vm '{}'", row_.name), parse_json(text, limits::kLinkJsonBytes)));
  if (!json.is_object())
    co_return fail(ErrorCode::corrupt, fmt::format("vm '{}' answered with something else than an object", row_.name));
  stats_ = std::move(text);
  stats_at_ = host::Clock::now();
  co_return json;
}

Json VmOwner::metrics() const { return metrics_ ? machine::to_json(*metrics_) : Json(); }

// Machines may end, and others take their place, while this one is asked.
Task<> VmOwner::read_metrics(std::chrono::milliseconds age) {
  auto machine = machine_;
  auto now = host::Clock::now();
  if (services_.config.metrics_poll_interval.count() == 0 || !machine || state_ != State::running) co_return;
  if (metrics_ && now - metrics_at_ < age) co_return;
  auto metrics = co_await machine->metrics();
  if (machine_ != machine) co_return;
  if (metrics) {
    metrics_ = std::move(*metrics);
    metrics_at_ = now;
  } else if (metrics.error().code != ErrorCode::busy && metrics.error().code != ErrorCode::unsupported) {
    services_.log.debug("vm.no_metrics", {{"vm", row_.name}, {"error", metrics.error().message}});
  }
}

Task<Result<std::shared_ptr<link::Client>>> VmOwner::agent(host::Deadline deadline) {
  auto not_running = [&] {
    return fail(ErrorCode::unavailable, fmt::format("vm '{}' is {}", row_.name, vm::to_string(state_)),
                fmt::format("banger vm start {}", row_.name));
  };
  while (!client_ || !client_->alive()) {
    if (gone_ || state_ == State::stopped || state_ == State::creating || state_ == State::deleting ||
        state_ == State::suspended)
      co_return not_running();
    if (host::Clock::now() >= deadline)
      co_return fail(ErrorCode::timeout, fmt::format("the agent in vm '{}' does not answer", row_.name),
                     fmt::format("look at banger vm logs {}", row_.name));
    co_await changed_.wait(std::min(deadline, host::after(std::chrono::milliseconds(500))));
  }
  co_return client_;
}

}  // namespace banger::engine
