#include "capabilities/dm_snapshot/snapshot_disks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "capabilities/dm_snapshot/dm_snapshot.h"

namespace banger::capabilities {

using store::kStorageOwner;

namespace {

constexpr const char* kKind = "snapshot";

}  // namespace

Result<> SnapshotDisks::load() {
  for (const auto& entry : TRY(store_.journal()))
    if (entry.owner == kStorageOwner && entry.kind == kKind) made_.insert(entry.key);
  return {};
}

Result<> SnapshotDisks::check() const {
  TRY(in("storage dm-snapshot", capabilities::check_snapshots_work()));
  if (privileged_.available()) return {};
  return fail(ErrorCode::unavailable, "storage dm-snapshot needs root, and there is no root helper",
              "use --storage copy, or as root: banger system install --owner USER");
}

Task<Result<>> SnapshotDisks::attach(std::string vm_id, std::string image, std::string disk, std::uint64_t size_bytes) {
  CO_TRY(check());
  if (!made_.contains(vm_id)) CO_TRY(store_.add_journal({0, kStorageOwner, kKind, vm_id}));
  made_.insert(vm_id);
  Json arguments = {{"vm", vm_id}, {"image", image}, {"disk", disk}, {"size_bytes", size_bytes}};
  CO_TRY(co_await privileged_.call("storage.snapshot.create", dump_json(arguments)));
  co_return Result<>{};
}

Task<Result<>> SnapshotDisks::detach(std::string vm_id) {
  if (!made_.contains(vm_id)) co_return Result<>{};
  auto gone = co_await remove_stray(vm_id);
  if (!gone) {
    log_.warn("storage.detach_failed", {{"id", vm_id}, {"error", gone.error().sentence()}});
    co_return gone;
  }
  made_.erase(vm_id);
  co_return store_.remove_journal(kStorageOwner, kKind, vm_id);
}

std::vector<std::string> SnapshotDisks::strays() const {
  auto there = capabilities::list_snapshots(::geteuid());
  std::erase_if(there, [&](const auto& id) { return made_.contains(id); });
  return there;
}

Task<Result<>> SnapshotDisks::remove_stray(std::string vm_id) {
  CO_TRY(co_await privileged_.call("storage.snapshot.remove", dump_json({{"vm", vm_id}})));
  co_return Result<>{};
}

}  // namespace banger::capabilities
