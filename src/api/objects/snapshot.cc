#include "api/objects/snapshot.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr Field kSnapshotFields[] = {
    field<&SnapshotObject::id>("id", "The id"),
    field<&SnapshotObject::name>("name", "The name"),
    field<&SnapshotObject::vm>("vm", "The name that the VM had when the snapshot was made"),
    field<&SnapshotObject::vm_id>("vm_id", "The id of the VM"),
    field<&SnapshotObject::image>("image", "The name of the image"),
    field<&SnapshotObject::kernel>("kernel", "The name of the kernel"),
    field<&SnapshotObject::vcpus>("vcpus", "Virtual processors"),
    field<&SnapshotObject::memory_bytes>("memory_bytes", "The guest's memory"),
    field<&SnapshotObject::disk_bytes>("disk_bytes", "The size of the work disk"),
    field<&SnapshotObject::system_bytes>("system_bytes", "The size of the system disk"),
    field<&SnapshotObject::has_memory>("has_memory", "Whether the snapshot has memory, and not only disks"),
    field<&SnapshotObject::created_at>("created_at", "When the snapshot was made"),
    field<&SnapshotObject::size_bytes>("size_bytes", "What the snapshot occupies on the host"),
    field<&SnapshotObject::used_by>("used_by", "The names of the VMs that run on the snapshot's memory"),
};

constexpr Field kListFields[] = {field<&SnapshotList::snapshots>("snapshots", "The snapshots")};

}  // namespace

constinit const Object SnapshotObject::kObject{.name = "snapshot object", .fields = kSnapshotFields};
constinit const Object SnapshotList::kObject{.name = "snapshot list", .fields = kListFields};

}  // namespace banger::api
