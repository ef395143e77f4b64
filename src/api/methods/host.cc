// daemon.* and host.*
#include "api/objects/host.h"

#include "api/method.h"

namespace banger::api {

namespace {

constexpr Parameter kDoctorParameters[] = {
    {.name = "fix", .type = Type::boolean, .initial = "false", .help = "Tries anew whether KVM runs guests"},
};
constexpr Parameter kGcParameters[] = {
    {.name = "dry_run", .type = Type::boolean, .initial = "false", .help = "Lists what is found and removes nothing"},
};

constexpr Method kMethods[] = {
    {.name = "daemon.status", .summary = "Describes the daemon", .result = &DaemonStatus::kObject},
    {.name = "daemon.stop", .summary = "Ends the daemon", .details = "Running VMs go on."},
    {.name = "host.doctor",
     .summary = "Checks whether the host has what banger requires",
     .parameters = kDoctorParameters,
     .result = &CheckList::kObject,
     .cost = Cost::high,
     .progress = true},
    {.name = "host.gc",
     .summary = "Finds what nobody owns, and removes it",
     .parameters = kGcParameters,
     .result = &LeftoverList::kObject,
     .cost = Cost::high,
     .progress = true},
    {.name = "host.defaults",
     .summary = "Gives what a new VM gets when a parameter is absent",
     .result = &DefaultsObject::kObject},
};

constexpr const Object* kObjects[] = {
    &DaemonStatus::kObject,   &CheckList::kObject,      &CheckObject::kObject,    &LeftoverList::kObject,
    &LeftoverObject::kObject, &DefaultsObject::kObject, &DefaultSources::kObject,
};

}  // namespace

extern const Group kHostGroup;
constinit const Group kHostGroup{.title = "Daemon and host", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
