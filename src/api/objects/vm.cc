#include "api/objects/vm.h"

#include "api/wire.h"
#include "vm/fields.h"
#include "vm/network.h"
#include "vm/storage.h"

namespace banger::api {

template <>
struct Wire<vm::State> {
  static constexpr Type type = Type::text;
  static Json write(vm::State state) { return vm::to_string(state); }
  static Result<> read(const Json& json, vm::State& to) {
    if (!json.is_string()) return not_a(type);
    to = TRY(vm::state_from_string(json.get<std::string>()));
    return {};
  }
};

namespace {

constexpr std::string_view kStates[] = {
    "creating", "stopped", "starting", "running", "stopping", "suspending", "suspended", "restoring", "deleting",
};
constexpr auto kNetworks = texts_of(vm::kNetworkWords);
constexpr auto kStorages = texts_of(vm::kStorageWords);
constexpr std::string_view kWays[] = {"cold", "clone", "pool", "fork", "snapshot", "resume", ""};

constexpr Field kStageFields[] = {
    field<&StageObject::name>("name", "The stage"),
    field<&StageObject::ms>("ms", "How long the stage took, in milliseconds"),
};

constexpr Field kSecretFields[] = {
    field<&SecretObject::name>("name", "The name of the secret, and of the guest's variable"),
    field<&SecretObject::hosts>("hosts", "The hosts that get the value"),
    field<&SecretObject::available>("available", "Whether the value is known. Otherwise requests with it fail"),
};

constexpr Field kVmFields[] = {
    field<&VmObject::id>("id", "The id"),
    field<&VmObject::name>("name", "The name"),
    field<&VmObject::state>("state", "The state").one_of(kStates),
    field<&VmObject::image>("image", "The name of the image"),
    field<&VmObject::image_id>("image_id", "The id of the image"),
    field<&VmObject::kernel>("kernel", "The name of the kernel"),
    field<&VmObject::vcpus>("vcpus", "Virtual processors"),
    field<&VmObject::memory_bytes>("memory_bytes", "The guest's memory"),
    field<&VmObject::disk_bytes>("disk_bytes", "The size of the work disk"),
    field<&VmObject::system_bytes>("system_bytes", "The size of the system disk"),
    field<&VmObject::nat>("nat", "Whether the guest can reach hosts outside"),
    field<&VmObject::egress>("egress",
                             "What the guest may reach outside: `open`, `none`, or the name of a policy of the config"),
    field<&VmObject::allow>("allow", "The hosts that the guest may reach all the same. Not in lists").or_absent(),
    field<&VmObject::secrets>("secrets", "What the gate puts into requests. Not in lists").or_absent(),
    field<&VmObject::network>("network", "The kind of network").one_of(kNetworks),
    field<&VmObject::storage>("storage", "The kind of system disk").one_of(kStorages),
    field<&VmObject::disk_iops>("disk_iops", "Limit of the operations a second of all disks together; 0: none"),
    field<&VmObject::disk_bandwidth_bytes>("disk_bandwidth_bytes",
                                           "Limit of the bytes a second of all disks together; 0: none"),
    field<&VmObject::net_bandwidth_bytes>(
        "net_bandwidth_bytes", "Limit of the bytes a second that the guest sends, and that it receives; 0: none"),
    field<&VmObject::pids>("pids", "Limit of the processes and threads of one command; 0: the guest's own"),
    field<&VmObject::address>("address", "The guest's IPv4 address. On a bridge, empty before the first start"),
    field<&VmObject::labels>("labels", "Labels by their keys"),
    field<&VmObject::publish>("publish", "The published ports, each as `ADDRESS:HOSTPORT:PORT`"),
    field<&VmObject::publish_problems>("publish_problems",
                                       "Sentences for people: why published ports are not open now. Only in the result "
                                       "of `vm.show`, and only if there are any")
        .or_absent(),
    field<&VmObject::restart>("restart", "When the VM starts again after its guest has ended by itself")
        .one_of(vm::kRestartChoices),
    field<&VmObject::autostart>("autostart", "Whether the VM is started whenever the daemon starts"),
    field<&VmObject::created_at>("created_at", "When the VM was created"),
    field<&VmObject::started_at>("started_at", "When the machine was last started"),
    field<&VmObject::machine>("machine", "The VMM and its version. Empty when no machine runs"),
    field<&VmObject::machine_reason>("machine_reason", "Why banger chose this VMM. Empty when no machine runs"),
    field<&VmObject::accelerator>("accelerator", "How guest code runs. Empty when no machine runs"),
    field<&VmObject::pid>("pid", "The VMM's process. Null when no machine runs"),
    field<&VmObject::agent_ready>("agent_ready", "Whether the agent answers"),
    field<&VmObject::system_ready>("system_ready", "Whether the guest has booted"),
    field<&VmObject::paused>("paused", "Why the VMM has paused the guest. Empty when the guest runs"),
    field<&VmObject::silent>("silent", "Whether the guest has stopped answering. The guest may only be slow"),
    field<&VmObject::last_error>("last_error", "Why the last operation failed. Empty when the operation succeeded"),
    field<&VmObject::ended>("ended",
                            "How the last machine ended. Empty when a machine runs, and before the first start"),
    field<&VmObject::ended_at>("ended_at", "When the last machine ended, or 0"),
    field<&VmObject::disk_used_bytes>("disk_used_bytes", "What the VM's files occupy on the host"),
    field<&VmObject::directory>("directory", "The VM's directory on the host"),
    field<&VmObject::started_from>("way", "How the machine came up. Empty before the first start").one_of(kWays),
    field<&VmObject::template_id>("template", "The id of the template that the VM was cloned from, or empty"),
    field<&VmObject::ephemeral>("ephemeral", "Whether the VM is deleted when the connection that created it closes"),
    field<&VmObject::metrics>("metrics",
                              "What the VMM counted, as last read (`metrics_poll_interval`). Null before the first "
                              "reading"),
    field<&VmObject::stages>("stages", "The stages of the last create or start"),
    field<&VmObject::restart_needed>(
        "restart_needed",
        "Only in the result of `vm.set`: the changed fields that take effect at the next start. "
        "`name` stands for the host name in the guest")
        .or_absent(),
    field<&VmObject::forced>("forced",
                             "Why the machine was killed. Only in the results of `vm.stop` and `vm.restart`, and only "
                             "if the guest did not shut down")
        .or_absent(),
    field<&VmObject::config>("config",
                             "How programs of the image want to run. Only if the image says so, and not in lists")
        .or_absent(),
};

constexpr Field kListFields[] = {
    field<&VmList::vms>("vms", "All VMs"),
    field<&VmList::warnings>("warnings", "Sentences for people about what may stop the VMs soon. Only if there are any")
        .or_absent(),
};

constexpr Field kForkFields[] = {
    field<&ForkResult::vms>("vms", "The children"),
    field<&ForkResult::pause_ms>("pause_ms", "How long the parent stood still, in milliseconds. 0 if it did not run"),
};

constexpr Field kStatsFields[] = {
    field<&VmStats::cpu_percent>("cpu_percent", "Use of the guest's processors"),
    field<&VmStats::load1>("load1", "The guest's load average over one minute"),
    field<&VmStats::memory_used_bytes>("memory_used_bytes", "Memory in use in the guest"),
    field<&VmStats::memory_total_bytes>("memory_total_bytes", "Memory that the guest has"),
    field<&VmStats::disk_read_bytes>(
        "disk_read_bytes", "Bytes read from the guest's disks, like the next three figures since `uptime_ms` began"),
    field<&VmStats::disk_written_bytes>("disk_written_bytes", "Bytes written to the guest's disks"),
    field<&VmStats::net_received_bytes>("net_received_bytes", "Bytes that the guest received"),
    field<&VmStats::net_sent_bytes>("net_sent_bytes", "Bytes that the guest sent"),
    field<&VmStats::uptime_ms>("uptime_ms", "Time since the guest booted, or was cloned, in milliseconds"),
    field<&VmStats::host_resident_bytes>("host_resident_bytes", "The VMM's resident memory on the host").or_absent(),
    field<&VmStats::host_pss_bytes>("host_pss_bytes", "The VMM's proportional share of memory on the host").or_absent(),
    field<&VmStats::host_cpu_time_us>("host_cpu_time_us", "Processor time of the VMM, in microseconds").or_absent(),
    field<&VmStats::metrics>("metrics", "As in the VM object, at most `stats_poll_interval` old"),
};

constexpr Field kNamedFields[] = {
    field<&Named::id>("id", "The id"),
    field<&Named::name>("name", "The name"),
};

}  // namespace

constinit const Object StageObject::kObject{.name = "stage object", .fields = kStageFields};
constinit const Object SecretObject::kObject{.name = "secret object", .fields = kSecretFields};
constinit const Object VmObject::kObject{.name = "VM object", .fields = kVmFields};
constinit const Object VmList::kObject{.name = "VM list", .fields = kListFields};
constinit const Object ForkResult::kObject{.name = "fork result", .fields = kForkFields};
constinit const Object VmStats::kObject{.name = "statistics object", .fields = kStatsFields};
constinit const Object Named::kObject{.name = "name object", .fields = kNamedFields};

}  // namespace banger::api
