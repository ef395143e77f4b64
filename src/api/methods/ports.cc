// vm.ports and vm.tunnel
#include "api/bounds.h"
#include "api/method.h"
#include "api/methods/parameters.h"
#include "api/objects/port.h"
#include "api/objects/vm.h"

namespace banger::api {

namespace {

constexpr Parameter kPortsParameters[] = {
    kVmParameter,
    {.name = "probe",
     .type = Type::boolean,
     .initial = "true",
     .help = "Connects to each TCP port to learn whether the port speaks HTTP"},
    {.name = "timeout_ms",
     .type = Type::integer,
     .help = "How long the guest may take to list its ports",
     .least = 0,
     .most = limits::kPortsTimeoutMs},
};

constexpr Parameter kTunnelParameters[] = {
    kVmParameter,
    {.name = "port", .type = Type::integer, .required = true, .help = "A TCP port", .least = 1, .most = 65535},
    {.name = "host", .initial = "\"localhost\"", .help = "A name or an address, as the guest sees it"},
    {.name = "chunks",
     .type = Type::boolean,
     .initial = "false",
     .help = "Sends the guest's bytes in chunks: 4 bytes of length (big endian), then bytes. 0 is the end"},
};

constexpr Method kMethods[] = {
    {.name = "vm.ports",
     .summary = "Lists what the guest listens on",
     .parameters = kPortsParameters,
     .result = &PortList::kObject},
    {.name = "vm.tunnel",
     .summary = "Connects to a port from inside the guest",
     .parameters = kTunnelParameters,
     .result = &Named::kObject,
     .stream = "the TCP connection. Each direction ends by itself",
     .shape = Shape::stream},
};

constexpr const Object* kObjects[] = {&PortList::kObject, &PortObject::kObject};

}  // namespace

extern const Group kPortGroup;
constinit const Group kPortGroup{.title = "Ports", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
