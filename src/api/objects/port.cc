#include "api/objects/port.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kProtocols[] = {"tcp", "udp"};
constexpr std::string_view kSchemes[] = {"http", "https", ""};

constexpr Field kPortFields[] = {
    field<&PortObject::protocol>("protocol", "The protocol").one_of(kProtocols),
    field<&PortObject::address>("address", "The address in the guest"),
    field<&PortObject::port>("port", "The port in the guest"),
    field<&PortObject::process>("process", "The name of the process that listens"),
    field<&PortObject::command>("command", "The command line of that process"),
    field<&PortObject::pid>("pid", "The id of that process in the guest"),
    field<&PortObject::scheme>("scheme", "How a browser can reach the port. Empty when the port does not speak HTTP")
        .one_of(kSchemes),
    field<&PortObject::url>(
        "url", "`http://NAME.vm:PORT/`, or with the address where this host does not resolve names; or empty"),
    field<&PortObject::forward>("forward", "`ADDRESS:PORT`, where the host listens for the port, or empty"),
    field<&PortObject::published>("published",
                                  "`ADDRESS:PORT` of each port of the host that is published for the port"),
    field<&PortObject::note>("note", "Why the port is not forwarded, or why connections to it wait; or empty"),
    field<&PortObject::hint>("hint", "What can be done about that, or empty"),
};

constexpr Field kListFields[] = {field<&PortList::ports>("ports", "The ports that the guest listens on")};

}  // namespace

constinit const Object PortObject::kObject{.name = "port object", .fields = kPortFields};
constinit const Object PortList::kObject{.name = "port list", .fields = kListFields};

}  // namespace banger::api
