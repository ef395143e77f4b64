// vm.ssh
#include "api/objects/ssh.h"

#include "api/method.h"
#include "api/methods/parameters.h"

namespace banger::api {

namespace {

constexpr Parameter kParameters[] = {
    kVmParameter,
    {.name = "port",
     .type = Type::integer,
     .initial = "22",
     .help = "The server's TCP port",
     .least = 1,
     .most = 65535},
};

constexpr Method kMethods[] = {
    {.name = "vm.ssh",
     .summary = "Prepares a connection of ssh to a VM",
     .details =
         "Waits until the guest has booted, and writes the VM's host key to banger's known_hosts. The caller then "
         "connects with `vm.tunnel`. The files of ssh are described in `docs/ssh.md`",
     .parameters = kParameters,
     .result = &SshObject::kObject,
     .cancellable = true},
};

constexpr const Object* kObjects[] = {&SshObject::kObject};

}  // namespace

extern const Group kSshGroup;
constinit const Group kSshGroup{.title = "SSH", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
