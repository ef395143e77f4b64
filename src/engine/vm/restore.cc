#include "engine/vm/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "engine/vm/guest_limits.h"

namespace banger::engine {

namespace {

// From this write on, the VM has the disks and the memory of the snapshot, and recovery finishes the restore.
Result<> record_restoring(VmParts& vm, const store::SaveRow& snapshot, const vm::Spec& saved) {
  return vm.record->move_to(vm::State::restoring, [&](store::VmRow& row, vm::Spec& spec) {
    spec.disk_bytes = std::max(spec.disk_bytes, saved.disk_bytes);
    spec.system_bytes = std::max(spec.system_bytes, saved.system_bytes);
    row.booted = true;
    row.last_error.clear();
    row.save_id.clear();
    if (!snapshot.has_memory()) return;
    spec.vcpus = saved.vcpus;
    spec.memory_bytes = saved.memory_bytes;
    row.save_id = snapshot.id;
  });
}

}  // namespace

Result<> check_own_snapshot(const store::VmRow& vm, const store::SaveRow& snapshot) {
  if (snapshot.vm_id == vm.id) return {};
  auto other = snapshot.vm_name == vm.name ? fmt::format("an earlier vm '{}'", vm.name)
                                           : fmt::format("vm '{}', not of vm '{}'", snapshot.vm_name, vm.name);
  return fail(ErrorCode::invalid, fmt::format("snapshot '{}' is of {}", snapshot.name, other),
              fmt::format("banger vm create --from {} makes another VM from the snapshot", snapshot.name));
}

Task<Result<>> restore(VmParts& vm, store::SaveRow snapshot) {
  auto saved = CO_TRY(saved_spec(snapshot));
  if (auto staged = co_await vm.disks.stage(snapshot.id); !staged)
    co_return std::unexpected(
        std::move(staged).error().in(fmt::format("copy the disks of snapshot '{}'", snapshot.name)));
  auto old = vm.row().save_id;
  if (auto recorded = record_restoring(vm, snapshot, saved); !recorded) {
    (void)co_await vm.disks.tidy_up();
    co_return recorded;
  }
  vm.services.saves.use(vm.row().save_id);
  vm.services.saves.release(old);
  co_return co_await finish_restore(vm);
}

Task<Result<>> finish_restore(VmParts& vm) {
  CO_TRY(in("move the disks of the snapshot into place", co_await vm.disks.switch_over()));
  co_return vm.record->move_to(vm::State::stopped);
}

Task<Result<>> claim(VmParts& vm, Claim wanted, Start& start) {
  auto& stages = start.stages;
  stages.begin("identity");
  auto pooled = vm.spec();
  CO_TRY(vm.record->edit([&](store::VmRow& row, vm::Spec& spec) {
    row.name = wanted.name;
    row.purpose = store::Purpose::user;
    row.ephemeral = wanted.ephemeral;
    row.started_from = store::StartedFrom::pool;
    row.created_at = row.started_at = unix_now();
    spec = wanted.spec;
  }));
  vm.use->touch();
  CO_TRY(co_await vm.disks.prepare(CO_TRY(vm_context(vm))));
  CO_TRY(co_await change_limits(vm, pooled));
  CO_TRY(co_await vm.services.resources.change(vm.row().id, pooled, vm.spec()));
  auto disks = CO_TRY(co_await grow_drives(*vm.machine->get(), vm.spec(), pooled));
  CO_TRY(in("identity", co_await send_config(vm, disks)));
  stages.end();
  co_await notify_capabilities(vm, start);
  if (start.given_up()) co_return fail(ErrorCode::cancelled, "cancelled");
  auto text = dump_json(stages.to_json());
  vm.services.log.info("vm.started", {{"vm", vm.name()}, {"id", vm.row().id}, {"stages", text}});
  vm.record->changed().notify_all();
  co_return vm.record->edit([&](store::VmRow& row, vm::Spec&) { row.stages = text; }, Durable::no);
}

}  // namespace banger::engine
