// The device of a VM whose storage is a snapshot by the host's kernel, from the start of its machine to the end.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "capabilities/dm_snapshot/dm_snapshot.h"
#include "engine/vm/owner.h"
#include "ext4/ext4.h"
#include "host/files.h"

namespace banger::engine {

namespace {

bool has_device(const vm::Spec& spec) { return spec.storage == vm::Storage::dm_snapshot; }

Result<> sync_device(const std::string& path) {
  auto device = TRY(host::open_file(path, O_RDONLY));
  if (::fsync(device.get()) < 0) return fail_errno(path);
  return {};
}

}  // namespace

Task<Result<>> VmOwner::attach_disk(const capabilities::VmContext& vm) {
  if (!has_device(spec_)) co_return Result<>{};
  auto file = directory() + "/" + kSystemDisk;
  CO_TRY(in("system disk", capabilities::revive_snapshot_file(file)));
  CO_TRY(in("system disk", co_await services_.snapshots.attach(row_.id, vm.rootfs, file, spec_.system_bytes)));
  // Images have no journal; on the device there is room for one, and writing it changes the VM's file only.
  auto path = capabilities::snapshot_node(row_.id);
  co_return in("system disk", co_await services_.runtime.blocking([path]() -> Result<> {
    TRY(ext4::ensure_journal(path));
    return sync_device(path);
  }));
}

Task<> VmOwner::detach_disk() { (void)co_await services_.snapshots.detach(row_.id); }

Task<> VmOwner::drop_device() {
  auto turn = co_await turn_.lock();
  if (state_ == vm::State::stopped || state_ == vm::State::suspended) co_await detach_disk();
}

// Whatever the machine wrote is in the VM's own file afterwards, where it can be copied.
Result<> VmOwner::flush_disk() const {
  if (!has_device(spec_) || !machine_) return {};
  return sync_device(capabilities::snapshot_node(row_.id));
}

}  // namespace banger::engine
