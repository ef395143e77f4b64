#include "engine/vm/restore.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "engine/vm/ending.h"

namespace banger::engine {

Task<Result<>> restore(VmParts& vm, store::SaveRow snapshot) {
  if (vm.record->state() == vm::State::suspended) CO_TRY(co_await settle(vm, vm::State::stopped, {}));
  auto saved = CO_TRY(saved_spec(snapshot));
  CO_TRY(co_await vm.disks.copy_from(snapshot.id, Existing::replace));
  CO_TRY(vm.record->edit([&](store::VmRow& row, vm::Spec& spec) {
    spec.disk_bytes = std::max(spec.disk_bytes, saved.disk_bytes);
    spec.system_bytes = std::max(spec.system_bytes, saved.system_bytes);
    row.booted = true;
    if (!snapshot.has_memory()) return;
    spec.vcpus = saved.vcpus;
    spec.memory_bytes = saved.memory_bytes;
    row.save_id = snapshot.id;
  }));
  if (snapshot.has_memory()) vm.services.saves.use(snapshot.id);
  co_return Result<>{};
}

Task<Result<>> claim(VmParts& vm, Claim wanted, Stages& stages) {
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
  CO_TRY(co_await vm.services.resources.change(vm.row().id, pooled, vm.spec()));
  auto disks = CO_TRY(co_await grow_drives(*vm.machine->get(), vm.spec(), pooled));
  CO_TRY(in("identity", co_await send_config(vm, disks)));
  stages.end();
  auto text = dump_json(stages.to_json());
  vm.services.log.info("vm.started", {{"vm", vm.name()}, {"id", vm.row().id}, {"stages", text}});
  vm.record->changed().notify_all();
  co_return vm.record->edit([&](store::VmRow& row, vm::Spec&) { row.stages = text; });
}

}  // namespace banger::engine
