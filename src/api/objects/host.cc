#include "api/objects/host.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kStatuses[] = {"pass", "warn", "fail"};
constexpr std::string_view kSources[] = {"config", "host", "built-in"};

constexpr Field kStatusFields[] = {
    field<&DaemonStatus::version>("version", "The daemon's version"),
    field<&DaemonStatus::pid>("pid", "The daemon's process"),
    field<&DaemonStatus::started_at>("started_at", "When the daemon was started"),
    field<&DaemonStatus::socket>("socket", "The path of the socket"),
    field<&DaemonStatus::log>("log", "The path of the log"),
    field<&DaemonStatus::state>("state", "The directory of the daemon's state"),
    field<&DaemonStatus::vms_running>("vms_running", "How many VMs run"),
    field<&DaemonStatus::resident_bytes>("resident_bytes", "The daemon's resident memory"),
    field<&DaemonStatus::recovered>("recovered", "What the daemon finished or undid at its start, one sentence each"),
};

constexpr Field kCheckFields[] = {
    field<&CheckObject::name>("name", "What was checked"),
    field<&CheckObject::status>("status", "The outcome").one_of(kStatuses),
    field<&CheckObject::detail>("detail", "What was found"),
    field<&CheckObject::hint>("hint", "What can be done, or empty"),
};
constexpr Field kCheckListFields[] = {field<&CheckList::checks>("checks", "All checks")};

constexpr Field kLeftoverFields[] = {
    field<&LeftoverObject::kind>("kind", "What kind of thing was found"),
    field<&LeftoverObject::path>("path", "Its path, or its name where it has no path"),
    field<&LeftoverObject::reason>("reason", "Why nobody owns the thing"),
    field<&LeftoverObject::removed>("removed", "Whether the thing was removed"),
};
constexpr Field kLeftoverListFields[] = {field<&LeftoverList::items>("items", "What nobody owns")};

constexpr Field kSourceFields[] = {
    field<&DefaultSources::vcpus>("vcpus", "The source of `vcpus`").one_of(kSources),
    field<&DefaultSources::memory_bytes>("memory_bytes", "The source of `memory_bytes`").one_of(kSources),
    field<&DefaultSources::disk_bytes>("disk_bytes", "The source of `disk_bytes`").one_of(kSources),
    field<&DefaultSources::system_bytes>("system_bytes", "The source of `system_bytes`").one_of(kSources),
};
constexpr Field kDefaultsFields[] = {
    field<&DefaultsObject::vcpus>("vcpus", "Virtual processors"),
    field<&DefaultsObject::memory_bytes>("memory_bytes", "The guest's memory"),
    field<&DefaultsObject::disk_bytes>("disk_bytes", "The size of the work disk"),
    field<&DefaultsObject::system_bytes>("system_bytes", "The size of the system disk"),
    field<&DefaultsObject::image>("image", "The name of the default image"),
    field<&DefaultsObject::sources>("sources", "Where each default comes from"),
    field<&DefaultsObject::host_cpus>("host_cpus", "The processors of the host").or_absent(),
    field<&DefaultsObject::host_memory_bytes>("host_memory_bytes", "The memory of the host, which no VM may exceed")
        .or_absent(),
};

}  // namespace

constinit const Object DaemonStatus::kObject{.name = "daemon status", .fields = kStatusFields};
constinit const Object CheckObject::kObject{.name = "check object", .fields = kCheckFields};
constinit const Object CheckList::kObject{.name = "check list", .fields = kCheckListFields};
constinit const Object LeftoverObject::kObject{.name = "leftover object", .fields = kLeftoverFields};
constinit const Object LeftoverList::kObject{.name = "leftover list", .fields = kLeftoverListFields};
constinit const Object DefaultSources::kObject{.name = "sources object", .fields = kSourceFields};
constinit const Object DefaultsObject::kObject{.name = "defaults object", .fields = kDefaultsFields};

}  // namespace banger::api
