// Configures links through rtnetlink(7): in guests, which may have no iproute2, and the bridge and taps of the host.
// IPv4 only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct nl_addr;
struct nl_sock;
struct rtnl_link;

namespace banger::net {

struct LinkSettings {
  std::string mac;          ///< the link's; lower case
  std::uint32_t index = 0;  ///< the virtio link that gets the MAC when no link has it, in the kernel's order
  std::string address;      ///< CIDR; empty: the link is left down and unconfigured
  std::string gateway;      ///< empty: no default route through this link
  std::vector<std::string> unreachable = {};  ///< CIDR; networks that get an unreachable route, on any link
  std::uint32_t mtu = 0;                      ///< 0: limits::kEthernetMtu
};

/// One rtnetlink connection of this network namespace.
class Netlink {
 public:
  /// The directory is where a link's driver is looked up (sysfs).
  static Result<Netlink> open(std::string sys_class_net = "/sys/class/net");

  /// Brings the loopback link up.
  Result<> loopback_up();
  /// Sets MAC, MTU, address, up, default route, unreachable networks. Removes other IPv4 addresses and another default
  /// route of the link. Settings that are right already stay, so open connections survive a second call. A link that
  /// gets a new MAC loses its neighbours, and gets a new IPv6 link-local address. `not_found` when there is no such
  /// link.
  Result<> configure(const LinkSettings& settings);
  /// Gives the link with that MAC the matching IPv6 link-local address, if it has a link-local address at all.
  Result<> renew_link_local(const std::string& mac);

  // Building blocks of bridge.cc, tap.cc and routes.cc. Links are given by index.
  Result<> set_up(int index);
  /// Changes the attributes that `edit` sets on an empty link.
  Result<> change(int index, std::string_view what, const std::function<void(rtnl_link*)>& edit);
  /// 0: limits::kEthernetMtu.
  Result<> set_mtu(int index, std::uint32_t mtu);
  /// Makes `cidr` the only IPv4 address of the link.
  Result<> set_address(int index, const std::string& cidr);
  nl_sock* socket() const { return socket_.get(); }

 private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  Netlink(nl_sock* socket, std::string sys_class_net) : socket_(socket), sys_class_net_(std::move(sys_class_net)) {}
  Result<int> find_link(const LinkSettings& settings);
  Result<> set_mac(int index, const std::string& mac);
  Result<> renew_link_local(int index, const unsigned char* mac);
  Result<> add_address(int index, nl_addr* address, const std::string& text);
  Result<> set_default_route(int index, const std::string& gateway);
  Result<> remove_default_routes(int index);
  Result<> set_unreachable(const std::vector<std::string>& networks);

  std::unique_ptr<nl_sock, Close> socket_;
  std::string sys_class_net_;
};

}  // namespace banger::net
