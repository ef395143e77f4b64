// The operations in a private network (roles/network). The root helper does not have names.listen.
#include <linux/capability.h>

#include <nlohmann/json.hpp>

#include "capabilities/capability.h"
#include "capabilities/privileged_table.h"
#include "net/bounds.h"
#include "net/dns_relay.h"
#include "net/ipv4.h"

namespace banger::capabilities {

extern const Capability bridge;

namespace {

Result<> check_none(const PrivilegedContext&, const Json&) { return {}; }

Result<PrivilegedReply> listen_for_names(const PrivilegedContext& context, const Json&) {
  auto sockets = TRY(net::open_dns_sockets({TRY(net::parse_ipv4(context.bridge_ip)), limits::kDnsPort}));
  PrivilegedReply reply;
  reply.fds.push_back(std::move(sockets.udp));
  reply.fds.push_back(std::move(sockets.tcp));
  return reply;
}

constexpr PrivilegedOperation kOperations[] = {
    {"names.listen",
     "Sends two sockets, for UDP and TCP, on port 53 of the bridge's address",
     {},
     check_none,
     listen_for_names,
     "",
     power(CAP_NET_BIND_SERVICE)},
};

}  // namespace

PrivilegedTable private_network_table() {
  PrivilegedTable table;
  for (const auto& operation : bridge.privileged_ops) table.push_back(&operation);
  for (const auto& operation : kOperations) table.push_back(&operation);
  return table;
}

}  // namespace banger::capabilities
