// vm.*, without the methods for commands, files, ports and snapshots.
#include "api/objects/vm.h"

#include "api/bounds.h"
#include "api/method.h"
#include "api/methods/parameters.h"
#include "base/arrays.h"

namespace banger::api {

namespace {

constexpr bool any_field(const vm::Field&) { return true; }

constexpr Parameter kSecretValuesParameter{
    .name = "secret_values",
    .type = Type::text_map,
    .help =
        "The values of secrets by their names. They are kept in memory only, and never recorded. A secret without "
        "one has the value of its file or command in the config"};

constexpr auto kCreateParameters = concat(
    std::to_array<Parameter>({{.name = "name", .help = "The name. By default, banger makes one up"}}),
    vm::from_fields<any_field, create_parameter>(),
    std::to_array<Parameter>({
        kSecretValuesParameter,
        {.name = "start", .type = Type::boolean, .initial = "true", .help = "Whether the VM is started too"},
        kWaitParameter,
        {.name = "cold",
         .type = Type::boolean,
         .initial = "false",
         .help = "Boots the VM instead of cloning a template"},
        {.name = "from",
         .help = "The name or id of a snapshot. The VM gets the disks of the snapshot, and its live processes if the "
                 "snapshot has memory"},
        {.name = "ephemeral",
         .type = Type::boolean,
         .initial = "false",
         .help = "Deletes the VM when this connection closes. `vm.exec` may follow on the connection"},
    }));

constexpr Parameter kStartParameters[] = {kVmParameter, kWaitParameter, kColdParameter};
constexpr Parameter kVmParameters[] = {kVmParameter};

constexpr Parameter kForkParameters[] = {
    kVmParameter,
    {.name = "count",
     .type = Type::integer,
     .initial = "1",
     .help = "How many children",
     .least = 1,
     .most = limits::kForkCount},
    {.name = "names", .type = Type::texts, .help = "One name for each child. By default, banger makes names up"},
    {.name = "start", .type = Type::boolean, .initial = "true", .help = "Whether the children are started too"},
};

constexpr Parameter kStopTimeoutParameter{
    .name = "timeout_ms",
    .type = Type::integer,
    .help = "How long the guest may take before the machine is forced to end. By default, 30 seconds",
    .least = 0,
    .most = limits::kStopTimeoutMs};
constexpr Parameter kStopParameters[] = {kVmParameter, kStopTimeoutParameter};
constexpr Parameter kRestartParameters[] = {kVmParameter, kWaitParameter, kStopTimeoutParameter};

constexpr Parameter kStatsParameters[] = {
    kVmParameter,
    {.name = "max_age_ms",
     .type = Type::integer,
     .help = "How old the guest's figures may be. By default, `stats_poll_interval`",
     .least = 0,
     .most = limits::kStatsAgeMs},
    {.name = "timeout_ms",
     .type = Type::integer,
     .help = "How long the guest may take to answer",
     .least = 0,
     .most = limits::kStatsTimeoutMs},
};

constexpr Parameter kDeleteParameters[] = {
    kVmParameter,
    {.name = "force", .type = Type::boolean, .initial = "false", .help = "Deletes the VM even while it runs"},
};

constexpr auto kSetParameters = concat(std::to_array<Parameter>({kVmParameter, {.name = "name", .help = "A new name"}}),
                                       vm::from_fields<&vm::Field::can_change, set_parameter>(),
                                       std::to_array<Parameter>({kSecretValuesParameter}));

constexpr Method kMethods[] = {
    {.name = "vm.create",
     .summary = "Creates a VM",
     .details =
         "A default image or kernel that is missing is made first. So is a template, unless `cold` is true or `start` "
         "is false. With `from`, the parameters image, kernel and storage come from the snapshot and may not be given. "
         "If the snapshot has memory, that is also true of vcpus, memory_bytes and network. An `ephemeral` VM is "
         "deleted as by `vm.delete` with `force`, and a new daemon deletes the ephemeral VMs of one that died. An "
         "ephemeral VM that does not start is kept. A call that is cancelled is undone.",
     .parameters = kCreateParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "vm.start",
     .summary = "Starts a VM",
     .details = "A suspended VM goes on where it stood. With `cold` a suspended VM boots from its disks.",
     .parameters = kStartParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "vm.suspend",
     .summary = "Saves the memory of a VM to disk, and ends its machine",
     .parameters = kVmParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true},
    {.name = "vm.resume",
     .summary = "Continues a suspended VM",
     .parameters = kVmParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "vm.fork",
     .summary = "Makes copies of a VM, with its live processes",
     .details = "The result has all children; if one of them fails, none is kept. The children of a stopped VM get "
                "its disks. The children of a suspended VM go on where it stands.",
     .parameters = kForkParameters,
     .result = &ForkResult::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "vm.stop",
     .summary = "Asks the guest to shut down, and forces the machine to end after a time",
     .parameters = kStopParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true},
    {.name = "vm.kill",
     .summary = "Ends the machine at once",
     .parameters = kVmParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground},
    {.name = "vm.restart",
     .summary = "Stops a VM and starts it again",
     .parameters = kRestartParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "vm.delete",
     .summary = "Deletes a VM and its disks",
     .details = "Fails with `busy` while the VM runs, unless `force` is true.",
     .parameters = kDeleteParameters,
     .result = &Named::kObject,
     .priority = Priority::foreground},
    {.name = "vm.set",
     .summary = "Changes a VM",
     .details = "The result also has `restart_needed`.",
     .parameters = kSetParameters,
     .result = &VmObject::kObject,
     .priority = Priority::foreground},
    {.name = "vm.list", .summary = "Lists all VMs", .result = &VmList::kObject},
    {.name = "vm.show", .summary = "Describes one VM", .parameters = kVmParameters, .result = &VmObject::kObject},
    {.name = "vm.stats",
     .summary = "Measures what a VM uses",
     .details = "Figures without the prefix `host_` come from the guest, and a guest can forge them.",
     .parameters = kStatsParameters,
     .result = &VmStats::kObject},
};

constexpr const Object* kObjects[] = {
    &VmObject::kObject,   &SecretObject::kObject, &StageObject::kObject, &VmList::kObject,
    &ForkResult::kObject, &VmStats::kObject,      &Named::kObject,
};

constexpr std::string_view kText =
    R"(`way` says how the machine came up. `cold` is a boot, `clone` a clone of a template, and `pool` a clone that was
ready before. `fork`, `snapshot` and `resume` continue a fork, a snapshot and a suspended VM.

`metrics` is what the VMM counted since the machine was started. Unlike the other figures of `vm.stats`, the guest
cannot forge them.

- Under both VMMs, over all disks: `disk_read_bytes`, `disk_written_bytes`, `disk_reads`, `disk_writes` and
  `disk_flushes`.
- Under Firecracker also `disk_failures`.
- Under Firecracker, of the network device: `net_received_bytes`, `net_sent_bytes`, `net_received_packets` and
  `net_sent_packets`.
- Under Firecracker, of the link, the console and the entropy device: `link_received_bytes`, `link_sent_bytes`,
  `serial_written_bytes` and `entropy_bytes`.
- Under Firecracker, of the processors: `vcpu_io_exits`, `vcpu_mmio_exits`, `vcpu_failures` and `seccomp_faults`.
- Under Firecracker, of the balloon: `balloon_inflations`, `balloon_deflations`, `balloon_reports` and
  `balloon_returned_bytes`, the memory that the guest gave back.
- Under Firecracker, how long the last operation took in microseconds, or 0: `pause_us`, `resume_us`, `save_us` and
  `load_us`.)";

}  // namespace

extern const Group kVmGroup;
constinit const Group kVmGroup{.title = "VMs", .text = kText, .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
