#include "engine/vm/guest_limits.h"

namespace banger::engine {

machine::DiskLimits disk_limits_of(const vm::Spec& spec) {
  return {.operations = spec.disk_iops, .bytes = spec.disk_bandwidth_bytes};
}

Task<Result<>> limit_machine(VmParts& vm) {
  auto machine = vm.machine->get();
  if (!machine) co_return Result<>{};
  co_return co_await machine->limit_disks(disk_limits_of(vm.spec()));
}

Task<Result<>> change_limits(VmParts& vm, const vm::Spec& before) {
  bool same = disk_limits_of(before) == disk_limits_of(vm.spec());
  co_return same ? Result<>{} : co_await limit_machine(vm);
}

}  // namespace banger::engine
