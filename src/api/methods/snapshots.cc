// vm.snapshot.*
#include "api/method.h"
#include "api/methods/parameters.h"
#include "api/objects/snapshot.h"
#include "api/objects/vm.h"

namespace banger::api {

namespace {

constexpr Parameter kSnapshot{.name = "snapshot", .required = true, .help = "A name or an id"};

constexpr Parameter kCreateParameters[] = {
    kVmParameter,
    {.name = "name", .help = "The name. By default, banger makes one up"},
};
constexpr Parameter kListParameters[] = {
    {.name = "vm", .help = "Only snapshots of this VM: a name, an id or a unique id prefix"},
};
constexpr Parameter kRestoreParameters[] = {
    kVmParameter,
    kSnapshot,
    {.name = "force",
     .type = Type::boolean,
     .initial = "false",
     .help = "Ends the machine first if the VM runs. Also restores a suspended VM, whose memory is then lost"},
};
constexpr Parameter kDeleteParameters[] = {kSnapshot};

constexpr Method kMethods[] = {
    {.name = "vm.snapshot.create",
     .summary = "Makes a snapshot of a VM",
     .details = "A running VM goes on, and a suspended VM stays suspended.",
     .parameters = kCreateParameters,
     .result = &SnapshotObject::kObject,
     .priority = Priority::foreground,
     .progress = true},
    {.name = "vm.snapshot.list",
     .summary = "Lists snapshots",
     .parameters = kListParameters,
     .result = &SnapshotList::kObject,
     .priority = Priority::foreground},
    {.name = "vm.snapshot.restore",
     .summary = "Returns a VM to the state of a snapshot",
     .details = "Replaces the VM's disks by those of the snapshot: all of them, or none after a failure or a crash. "
                "Fails with `busy` while the VM runs or is suspended, unless `force` is true, and with `invalid` for a "
                "snapshot of another VM. The VM runs afterwards if the snapshot has memory; otherwise the VM is "
                "stopped.",
     .parameters = kRestoreParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "vm.snapshot.delete",
     .summary = "Deletes a snapshot",
     .details = "Fails with `busy` while a VM runs on the snapshot's memory.",
     .parameters = kDeleteParameters,
     .result = &Named::kObject,
     .priority = Priority::foreground},
};

constexpr const Object* kObjects[] = {&SnapshotObject::kObject, &SnapshotList::kObject};

}  // namespace

extern const Group kSnapshotGroup;
constinit const Group kSnapshotGroup{
    .title = "Snapshots",
    .text = "A snapshot has the disks of a VM. If the VM ran or was suspended, the snapshot has its memory too.",
    .objects = kObjects,
    .methods = kMethods,
};

}  // namespace banger::api
