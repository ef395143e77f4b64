// vm.events
#include "api/bounds.h"
#include "api/method.h"
#include "api/objects/event.h"

namespace banger::api {

namespace {

constexpr Parameter kEventsParameters[] = {
    {.name = "vms", .type = Type::texts, .help = "Names, ids or unique id prefixes. By default, all VMs"},
    {.name = "since_ms",
     .type = Type::integer,
     .help = "Also sends the events of so many last milliseconds, as far as the daemon still has them",
     .least = 0,
     .most = limits::kEventsSinceMs},
};

constexpr Method kMethods[] = {
    {.name = "vm.events",
     .summary = "Follows what happens to VMs",
     .parameters = kEventsParameters,
     .stream = "one event object a line. The stream ends when the daemon stops, and after the last event of VMs that "
               "were named and are deleted",
     .shape = Shape::stream},
};

constexpr const Object* kObjects[] = {&EventObject::kObject};

constexpr std::string_view kText =
    R"(The stream begins with the events of `since_ms`. A `current` event for each VM follows, with the VM's state. Then
the events come as they happen, so a client misses nothing between the two. The daemon keeps the last 1024 events in
memory, and a new daemon has none. A client that reads too slowly gets a `missed` event; its `detail` is the number of
events that were dropped. `current` events of a new connection then have the states.

| event | meaning | `detail` |
|---|---|---|
| `created` | the VM exists | |
| `starting` | its machine is being started | |
| `running` | the agent has answered | how the machine came up, as `way` of the VM object |
| `resumed` | the same, for a VM that was suspended | `resume` |
| `ready` | the guest has booted | |
| `stopping` | the machine is about to end | |
| `stopped` | no machine runs | why: `last_error` or `ended` of the VM object |
| `suspending` | the memory is being saved | |
| `suspended` | the memory is saved, and no machine runs | why a resume has failed |
| `restoring`, `restored` | the disks of a snapshot take the place of the VM's own | |
| `forked` | the VM is a child of another one | the parent's name |
| `renamed` | the VM has another name | the old name |
| `changed` | `vm.set` or a restore has changed fields | the names of the fields |
| `paused` | the VMM has paused the guest | why |
| `goes_on` | the guest runs again after that | |
| `silent` | the guest has stopped answering | |
| `answers` | the guest answers again after that | |
| `refused` | the guest tried to reach something that its egress policy does not allow | a sentence: what, and why not |
| `deleted` | the VM is gone | |)";

}  // namespace

extern const Group kEventGroup;
constinit const Group kEventGroup{.title = "Events", .text = kText, .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
