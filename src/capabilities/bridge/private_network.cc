// The operations in a private network (roles/network). The root helper does not have these.
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "capabilities/bounds.h"
#include "capabilities/capability.h"
#include "capabilities/privileged_table.h"
#include "net/bound_socket.h"
#include "net/bounds.h"
#include "net/dns_service.h"
#include "net/firewall.h"
#include "net/gate_sockets.h"
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

Result<PrivilegedReply> listen_for_gate(const PrivilegedContext& context, const Json&) {
  auto sockets = TRY(net::open_gate_sockets(TRY(net::parse_ipv4(context.bridge_ip))));
  PrivilegedReply reply;
  reply.fds.push_back(std::move(sockets.tcp));
  reply.fds.push_back(std::move(sockets.names.udp));
  reply.fds.push_back(std::move(sockets.names.tcp));
  return reply;
}

Result<PrivilegedReply> listen_for_proxy(const PrivilegedContext& context, const Json&) {
  PrivilegedReply reply;
  reply.fds.push_back(TRY(net::bound_socket(SOCK_STREAM, {TRY(net::parse_ipv4(context.bridge_ip)), limits::kProxyPort},
                                            limits::kProxyBacklog)));
  return reply;
}

Result<net::Ipv4> guest_of(const Json& arguments) { return net::parse_ipv4(TRY(get_string(arguments, "address"))); }

Result<> check_lan(const PrivilegedContext&, const Json& arguments) {
  TRY(guest_of(arguments));
  return {};
}

Result<PrivilegedReply> set_lan(const PrivilegedContext& context, const Json& arguments) {
  auto lan = TRY(get_bool(arguments, "open")) ? net::Lan::open : net::Lan::closed;
  TRY(net::set_lan(context.bridge_name, TRY(guest_of(arguments)), lan));
  return PrivilegedReply{};
}

Result<std::vector<net::Ipv4>> addresses_of(const Json& arguments) {
  std::vector<net::Ipv4> addresses;
  for (const auto& text : TRY(find_strings(arguments, "addresses"))) addresses.push_back(TRY(net::parse_ipv4(text)));
  if (addresses.size() > limits::kOwnAddresses)
    return fail(ErrorCode::invalid, fmt::format("'addresses' has more than {}", limits::kOwnAddresses));
  return addresses;
}

Result<> check_host(const PrivilegedContext&, const Json& arguments) {
  TRY(addresses_of(arguments));
  return {};
}

Result<PrivilegedReply> close_host(const PrivilegedContext& context, const Json& arguments) {
  TRY(net::close_host(context.bridge_name, TRY(addresses_of(arguments))));
  return PrivilegedReply{};
}

constexpr PrivilegedArgument kHost[] = {
    {"addresses", PrivilegedArgument::Type::list, "addresses of the host, at most 256"},
};

constexpr PrivilegedArgument kLan[] = {
    {"address", PrivilegedArgument::Type::text, "the address of a guest"},
    {"open", PrivilegedArgument::Type::boolean, "whether the guest reaches private ranges outside"},
};

constexpr PrivilegedOperation kOperations[] = {
    {"gate.listen",
     "Sends three sockets on free ports of the bridge's address: TCP for connections, then UDP and TCP for names",
     {},
     check_none,
     listen_for_gate,
     "",
     0},
    {"host.close", "Closes these addresses of the host to all guests, instead of those of an earlier call", kHost,
     check_host, close_host, ""},
    {"lan.set", "Says whether the guest with that address reaches private ranges outside", kLan, check_lan, set_lan,
     ""},
    {"names.listen",
     "Sends two sockets, for UDP and TCP, on port 53 of the bridge's address",
     {},
     check_none,
     listen_for_names,
     "",
     power(CAP_NET_BIND_SERVICE)},
    {"proxy.listen",
     "Sends a socket for TCP on port 3128 of the bridge's address",
     {},
     check_none,
     listen_for_proxy,
     "",
     0},
};

}  // namespace

PrivilegedTable private_network_table() {
  PrivilegedTable table;
  for (const auto& operation : bridge.privileged_ops) table.push_back(&operation);
  for (const auto& operation : kOperations) table.push_back(&operation);
  return table;
}

}  // namespace banger::capabilities
