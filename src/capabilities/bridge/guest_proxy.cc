#include "capabilities/bridge/guest_proxy.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "capabilities/bounds.h"
#include "host/files.h"
#include "http/bounds.h"
#include "http/hosts_file.h"
#include "net/bound_socket.h"
#include "net/own_addresses.h"
#include "net/tap.h"

namespace banger::capabilities {

namespace {

constexpr const char* kHosts = "/etc/hosts";

bool is_local(const http::Address& address) {
  if (http::reach_of(address) == http::Reach::loopback) return true;
  auto text = http::to_string(address);
  auto ipv4 = net::parse_ipv4(text);
  return ipv4 && net::is_own_address(*ipv4);
}

// Debian's hosts file gives the host's own name a loopback address.
bool names_this_host(const std::string& name) {
  auto file = host::read_regular_file(kHosts, limits::kHostNamesBytes);
  return file && std::ranges::any_of(http::find_in_hosts(*file, name), is_local);
}

// Guests on a bridge of the host have the same way to the LAN as without a proxy. The firewall of a private network
// closes it.
ProxyReach reach_of(const ResourceHost& host) {
  return {.lan = host.config.guest_lan || !host.privileged.is_private(),
          .link_local = host.config.guest_link_local,
          .is_own = net::is_own_address,
          .names_us = names_this_host};
}

/// Daemons of several users may share a bridge of the host, and a proxy of the host often has port 3128. A guest knows
/// the port from its start on, so each daemon always has the same one.
std::uint16_t port_on_host(const ResourceHost& host) {
  auto number = net::daemon_number(host.paths.state) + ::geteuid();
  return static_cast<std::uint16_t>(limits::kFirstProxyPort + number % limits::kProxyPorts);
}

}  // namespace

std::optional<host::Endpoint> GuestProxy::endpoint() const {
  return relay_ ? std::optional(relay_->endpoint()) : std::nullopt;
}

std::string GuestProxy::address() const { return relay_ ? host::to_string(relay_->endpoint()) : ""; }

Task<> GuestProxy::serve() {
  auto turn = co_await changing_.lock();
  auto network = host_.privileged.network();
  bool same =
      (!network && !network_) || (network && network_ && host::identity_of(*network) == host::identity_of(*network_));
  if (relay_ && same) co_return;
  relay_.reset();
  auto started = co_await start();
  trouble_ = started ? std::nullopt : std::optional(started.error());
  if (started)
    network_ = std::move(network);
  else
    host_.log.warn("proxy.not_relayed", {{"error", started.error().sentence()}});
}

Task<Result<>> GuestProxy::start() {
  auto proxies = CO_TRY(host_proxies(host_.proxy));
  if (proxies.empty()) co_return Result<>{};
  auto listening = CO_TRY(co_await listen());
  relay_ = CO_TRY(relay_to_proxy(host_.runtime, std::move(listening),
                                 {.proxies = std::move(proxies),
                                  .reach = reach_of(host_),
                                  .serves = [this](const auto& client) { return serves(client); }}));
  co_return Result<>{};
}

Task<Result<UniqueFd>> GuestProxy::listen() {
  if (!host_.privileged.network())
    co_return net::bound_socket(SOCK_STREAM, {device_.made()->address, port_on_host(host_)}, limits::kProxyBacklog);
  auto reply = CO_TRY(co_await host_.privileged.call("proxy.listen", "{}"));
  if (reply.fds.size() != 1) co_return fail(ErrorCode::internal, "proxy.listen sent no socket");
  co_return std::move(reply.fds[0]);
}

// Other users' guests may share the bridge, and they have no right to this user's proxy.
// The gate asks for guests with a policy, and it has the bridge's own address. Nobody else has in a private network.
bool GuestProxy::serves(const net::TcpStream& client) const {
  auto ends = client.ends();
  if (ends.there.address != ends.here.address) return leases_.holds(ends.there.address);
  return host_.privileged.is_private() || client.is_from(::geteuid());
}

}  // namespace banger::capabilities
