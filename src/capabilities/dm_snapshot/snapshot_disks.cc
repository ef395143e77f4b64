#include "capabilities/dm_snapshot/snapshot_disks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "capabilities/bounds.h"
#include "capabilities/dm_snapshot/dm_snapshot.h"
#include "ext4/ext4.h"
#include "host/files.h"

namespace banger::capabilities {

using store::kStorageOwner;

namespace {

constexpr const char* kKind = "snapshot";

bool has_device(const vm::Spec& spec) { return spec.storage == vm::Storage::dm_snapshot; }

Result<> sync_device(const std::string& path) {
  auto device = TRY(host::open_file(path, O_RDONLY));
  if (::fsync(device.get()) < 0) return fail_errno(path);
  return {};
}

}  // namespace

Result<> SnapshotDisks::load() {
  for (const auto& entry : TRY(host_.store.journal()))
    if (entry.owner == kStorageOwner && entry.kind == kKind) made_.insert(entry.key);
  return {};
}

Result<> SnapshotDisks::check_host() const {
  TRY(in("storage dm-snapshot", check_snapshots_work()));
  if (host_.privileged.available()) return {};
  return fail(ErrorCode::unavailable, "storage dm-snapshot needs root, and there is no root helper",
              "use --storage copy, or as root: banger system install --owner USER");
}

Result<> SnapshotDisks::check(const vm::Spec& spec) const { return has_device(spec) ? check_host() : Result<>{}; }

Task<Result<>> SnapshotDisks::make_device(const VmContext& vm, std::string file) {
  auto turn = co_await changing_.lock();
  CO_TRY(revive_snapshot_file(file));
  if (!made_.contains(vm.id)) CO_TRY(host_.store.add_journal({0, kStorageOwner, kKind, vm.id}));
  made_.insert(vm.id);
  to_remove_.erase(vm.id);
  Json arguments = {{"vm", vm.id}, {"image", vm.rootfs}, {"disk", file}, {"size_bytes", vm.spec.system_bytes}};
  CO_TRY(co_await host_.privileged.call("storage.snapshot.create", dump_json(arguments)));
  co_return Result<>{};
}

Task<Result<>> SnapshotDisks::acquire(const VmContext& vm, machine::MachineConfig&) {
  if (!has_device(vm.spec)) co_return Result<>{};
  CO_TRY(in("system disk", co_await make_device(vm, vm.directory + "/" + kSystemDisk)));
  // Images have no journal. The device has room for one, and writing it changes the VM's file only.
  co_return in("system disk", co_await host_.runtime.blocking([path = snapshot_node(vm.id)]() -> Result<> {
    TRY(ext4::ensure_journal(path));
    return sync_device(path);
  }));
}

Task<Result<>> SnapshotDisks::flush(std::string vm_id) {
  if (!made_.contains(vm_id)) co_return Result<>{};
  co_return co_await host_.runtime.blocking([path = snapshot_node(vm_id)] { return sync_device(path); });
}

Task<Result<>> SnapshotDisks::remove_device(std::string vm_id) {
  CO_TRY(co_await host_.privileged.call("storage.snapshot.remove", dump_json({{"vm", vm_id}})));
  co_return Result<>{};
}

// REQUIRES: the caller holds changing_.
Task<> SnapshotDisks::forget_device(std::string vm_id) {
  auto gone = co_await remove_device(vm_id);
  if (gone) gone = host_.store.remove_journal(kStorageOwner, kKind, vm_id);
  if (gone) {
    made_.erase(vm_id);
    to_remove_.erase(vm_id);
    co_return;
  }
  host_.log.warn("storage.detach_failed", {{"id", vm_id}, {"error", gone.error().sentence()}});
  to_remove_.insert(vm_id);
  wake_.notify_all();
}

Task<> SnapshotDisks::release(std::string vm_id) {
  if (!made_.contains(vm_id)) co_return;
  auto turn = co_await changing_.lock();
  if (made_.contains(vm_id)) co_await forget_device(vm_id);
}

Task<> SnapshotDisks::run(host::Foreground&) {
  for (;;) {
    while (to_remove_.empty()) co_await wake_.wait();
    co_await host_.runtime.sleep_for(limits::kSnapshotRemoveInterval);
    for (const auto& id : std::set(to_remove_)) {
      auto turn = co_await changing_.lock();
      // The VM may have started again in the meantime.
      if (to_remove_.contains(id)) co_await forget_device(id);
    }
  }
}

std::vector<Leftover> SnapshotDisks::leftovers() {
  std::vector<Leftover> found;
  for (const auto& id : list_snapshots(::geteuid()))
    if (!made_.contains(id)) found.push_back({kKind, id, "this block device belongs to no known VM", this});
  return found;
}

Task<Result<>> SnapshotDisks::remove(Leftover leftover) { return remove_device(std::move(leftover.path)); }

Task<std::vector<Check>> SnapshotDisks::checks() {
  std::vector<Check> checks;
  auto works = check_host();
  bool wanted = host_.config.storage == vm::Storage::dm_snapshot;
  if (works)
    checks.push_back({"dm-snapshot", CheckStatus::pass, "works here", ""});
  else
    checks.push_back({"dm-snapshot", wanted ? CheckStatus::fail : CheckStatus::pass,
                      wanted ? works.error().message : "not used: " + works.error().message,
                      wanted ? works.error().hint : ""});
  co_return checks;
}

}  // namespace banger::capabilities
