#include "engine/vm/starting.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "engine/bounds.h"
#include "engine/vm/boot_watch.h"
#include "engine/vm/ending.h"
#include "engine/vm/launch.h"
#include "ext4/ext4.h"
#include "host/files.h"

namespace banger::engine {

using vm::State;

namespace {

Result<> check_cancel(const Start& start) {
  return start.given_up() ? Result<>(fail(ErrorCode::cancelled, "cancelled")) : Result<>();
}

Result<> check_capabilities(const VmParts& vm) {
  for (const auto* capability : capabilities::all())
    if (capability->check) TRY(capability->check({.spec = vm.spec(), .state_directory = vm.services.paths.state}));
  return vm.services.resources.check(vm.spec());
}

// Checked here because the guest could report a damaged image only as a crash of PID 1.
Result<> check_image(const VmParts& vm, const std::string& rootfs) {
  auto sound = ext4::check_ext4(rootfs);
  if (sound) return {};
  return std::unexpected(
      std::move(sound)
          .error()
          .in(fmt::format("the rootfs of image '{}'", vm.spec().image))
          .with_hint(fmt::format("delete the image with banger image delete {}, then make it again", vm.spec().image)));
}

// The disks change from now on, so a power cut must not bring a suspended VM's old memory back. A VM without saved
// memory is stopped after a power cut in any case.
Result<> record_starting(VmParts& vm) {
  auto durable = vm.record->state() == State::suspended ? Durable::yes : Durable::no;
  auto write = [](store::VmRow& row, vm::Spec&) {
    row.link_token = to_hex(host::random_bytes(16));
    row.ended.clear();
    row.ended_at = 0;
  };
  return vm.record->move_to(State::starting, write, durable);
}

Task<Result<>> boot(VmParts& vm, Start& start) {
  auto& services = vm.services;
  vm.machine->begin();
  CO_TRY(check_cancel(start));
  CO_TRY(check_capabilities(vm));
  CO_TRY(check_host_file(CO_TRY(services.images.get(vm.row().image_id))));
  CO_TRY(co_await vm.disks.prepare(CO_TRY(vm_context(vm))));
  auto context = CO_TRY(vm_context(vm));
  CO_TRY(check_image(vm, context.rootfs));
  machine::MachineConfig config;
  if (vm.spec().network != vm::Network::user) start.stages.begin("network");
  CO_TRY(co_await services.resources.acquire(context, config));
  std::optional<store::SaveRow> save;
  if (!vm.row().save_id.empty()) save = CO_TRY(services.saves.get(vm.row().save_id));
  CO_TRY(co_await launch(
      vm, context, std::move(config),
      {.stages = start.stages, .save = save, .memory_file = start.memory_file, .on_exit = start.on_exit}));
  CO_TRY(co_await finish_start(vm, start, save));
  bool waits = start.wait == WaitFor::system || (start.wait == WaitFor::booted && !save);
  if (waits) CO_TRY(co_await wait_system(vm, start));
  co_return Result<>{};
}

// The guest's agent has never answered, so the guest has changed nothing that another boot could miss.
Task<Result<>> prepare_boot_again(VmParts& vm, Start& start) {
  --start.boots_again;
  start.hangs = false;
  vm.services.log.warn("vm.boot_hangs", {{"vm", vm.name()}, {"id", vm.row().id}});
  CO_TRY(co_await end_machine(vm));
  CO_TRY(co_await settle(vm, State::stopped, {}));
  // The memory of a new machine is zero, which keeps the file sparse.
  if (!start.memory_file.empty()) CO_TRY(host::remove_file(start.memory_file));
  start.stages.begin("reboot", "the guest hung while it booted, so it boots again");
  co_return record_starting(vm);
}

Task<Result<>> boot_until_alive(VmParts& vm, Start& start) {
  start.boots_again = limits::kBootsAgain;
  auto booted = co_await boot(vm, start);
  while (!booted && start.hangs) {
    CO_TRY(co_await prepare_boot_again(vm, start));
    booted = co_await boot(vm, start);
  }
  co_return booted;
}

// Files that are missing or changed never work again. A guest that died or is silent may have met a busy host. So only
// two such clones in a row are the template's fault.
bool is_broken(SavedStates& saves, const std::string& id, const Error& why) {
  bool files = why.code == ErrorCode::corrupt || why.code == ErrorCode::unsupported || why.code == ErrorCode::not_found;
  return files || saves.failed_again(id);
}

// A broken template costs time, but never the VM. The template is retired, and the VM boots from new disks.
Task<Result<>> boot_instead(VmParts& vm, Start& start, Error why) {
  auto& services = vm.services;
  auto id = vm.row().save_id;
  bool broken = is_broken(services.saves, id, why);
  services.log.warn(broken ? "template.unusable" : "template.clone_failed",
                    {{"template", id}, {"vm", vm.name()}, {"error", why.sentence()}});
  CO_TRY(co_await end_machine(vm));
  if (broken) (void)services.saves.retire(id);
  CO_TRY(co_await settle(vm, State::stopped, {}));
  CO_TRY(vm.disks.remove_disks());
  start.stages.detail(broken ? "the template did not work and was discarded; the VM boots instead"
                             : "the clone did not start; the VM boots instead",
                      -1);
  CO_TRY(record_starting(vm));
  co_return co_await boot_until_alive(vm, start);
}

bool came_from(const VmParts& vm, store::SaveKind kind) {
  auto save = vm.services.saves.get(vm.row().save_id);
  return save && save->kind == kind;
}

// A suspended VM has lost nothing if its machine did not run again. Such a VM stays suspended.
Task<Result<>> failed_start(VmParts& vm, Error error) {
  // The guest runs and can be reached. Only its system is late.
  if (error.code == ErrorCode::timeout && vm.record->state() == State::running && vm.machine->running())
    co_return std::unexpected(std::move(error));
  if (vm.machine->was_started() || !came_from(vm, store::SaveKind::suspend))
    co_return co_await stopped_by_failure(vm, std::move(error));
  vm.services.log.warn("vm.resume_failed", {{"vm", vm.name()}, {"id", vm.row().id}, {"error", error.sentence()}});
  CO_TRY(co_await end_machine(vm));
  CO_TRY(co_await settle(vm, State::suspended, failed(error.sentence())));
  if (error.hint.empty())
    error.hint =
        fmt::format("banger vm start --cold {} boots it from its disks and discards its saved memory", vm.name());
  co_return std::unexpected(std::move(error));
}

}  // namespace

Task<Result<>> start(VmParts& vm, Start start) {
  // An old machine that could not be ended before must not run beside the new one.
  CO_TRY(co_await end_machine(vm));
  CO_TRY(record_starting(vm));
  auto booted = co_await boot_until_alive(vm, start);
  if (!booted && booted.error().code != ErrorCode::cancelled && came_from(vm, store::SaveKind::template_))
    booted = co_await boot_instead(vm, start, std::move(booted).error());
  start.stages.end();
  auto stages = dump_json(start.stages.to_json());
  if (!booted) {
    (void)vm.record->edit([&](store::VmRow& row, vm::Spec&) { row.stages = stages; }, Durable::no);
    co_return co_await failed_start(vm, std::move(booted).error().in(fmt::format("start vm '{}'", vm.name())));
  }
  auto write = [&](store::VmRow& row, vm::Spec&) {
    row.stages = stages;
    row.last_error.clear();
  };
  CO_TRY(vm.record->edit(write, Durable::no));
  vm.services.log.info("vm.started", {{"vm", vm.name()}, {"id", vm.row().id}, {"stages", stages}});
  co_return Result<>{};
}

namespace {

// Checked now and then while a start waits for the agent of a guest that boots.
class HangCheck {
 public:
  explicit HangCheck(VmParts& vm) : vm_(vm), watch_(static_cast<unsigned>(vm.spec().vcpus)) {}

  bool hangs() {
    auto now = host::Clock::now();
    if (hangs_ || now < next_) return hangs_;
    next_ = now + limits::kBootLook;
    if (!vm_.machine->paused_because().empty() || waits_for_disk(tasks())) watch_.stands(now);
    if (auto stats = vm_.machine->get()->stats())
      hangs_ = watch_.hangs(now, std::chrono::microseconds(stats->cpu_time_us));
    return hangs_;
  }

 private:
  std::string tasks() const { return fmt::format("/proc/{}/task", vm_.machine->get()->record().process.pid); }

  VmParts& vm_;
  BootWatch watch_;
  host::Clock::time_point next_{};
  bool hangs_ = false;
};

Task<Result<>> connect(VmParts& vm, Start& start, bool boots) {
  std::chrono::milliseconds timeout = boots ? vm.services.config.ready_timeout : limits::kRestoreDeadline;
  if (!boots || start.boots_again == 0) co_return co_await vm.link->connect(vm.machine->get(), timeout, start.given_up);
  HangCheck check(vm);
  auto connected =
      co_await vm.link->connect(vm.machine->get(), timeout, [&] { return start.given_up() || check.hangs(); });
  start.hangs = !connected && check.hangs() && !start.given_up();
  co_return connected;
}

}  // namespace

Task<> notify_capabilities(VmParts& vm, Start& start) {
  auto context = vm_context(vm);
  if (!context) co_return;  // the image or the kernel is gone
  auto warn = [&](std::string_view sentence) {
    vm.services.log.warn("vm.start_warning",
                         {{"vm", vm.name()}, {"id", vm.row().id}, {"warning", std::string(sentence)}});
    start.stages.warn(sentence);
  };
  if (!context->files.entries.empty()) start.stages.begin("files");
  for (const auto* capability : capabilities::all()) {
    auto client = vm.link->client();
    if (!capability->started || !client) continue;
    auto done = co_await capability->started(*context, *client, {.warn = warn, .given_up = start.given_up});
    if (!done && done.error().code != ErrorCode::cancelled)
      warn(fmt::format("{}: {}", capability->name, done.error().sentence()));
  }
  start.stages.end();
}

Task<Result<>> finish_start(VmParts& vm, Start& start, const std::optional<store::SaveRow>& save) {
  const auto& record = vm.machine->get()->record();
  start.stages.begin(save ? "agent" : "boot", fmt::format("{} on {}", record.accelerator, record.driver));
  CO_TRY(co_await connect(vm, start, !save));
  start.stages.end();
  if (save) {
    start.stages.begin("identity");
    auto disks = CO_TRY(co_await grow_drives(*vm.machine->get(), vm.spec(), CO_TRY(saved_spec(*save))));
    CO_TRY(in("identity", co_await send_config(vm, disks)));
    (void)vm.services.saves.touch(save->id);
    start.stages.end();
  }
  co_await notify_capabilities(vm, start);
  CO_TRY(check_cancel(start));
  co_return vm.record->move_to(State::running, [](store::VmRow& row, vm::Spec&) {
    row.booted = true;
    row.started_at = unix_now();
  });
}

Task<Result<>> wait_system(VmParts& vm, Start& start) {
  start.stages.begin("system");
  co_return co_await vm.link->wait_system(vm.services.config.ready_timeout, start.given_up);
}

Task<Result<>> stopped_by_failure(VmParts& vm, Error error) {
  vm.services.log.warn("vm.start_failed", {{"vm", vm.name()}, {"id", vm.row().id}, {"error", error.sentence()}});
  if (auto ended = co_await end_machine(vm); !ended)
    vm.services.log.error("vm.end_failed", {{"vm", vm.name()}, {"error", ended.error().message}});
  CO_TRY(co_await settle(vm, State::stopped, failed(error.sentence())));
  co_return std::unexpected(std::move(error));
}

}  // namespace banger::engine
