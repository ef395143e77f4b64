// Configuring links through rtnetlink(7), for guests that may have no iproute2. IPv4 only.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct nl_sock;

namespace banger::net {

struct LinkSettings {
  std::string mac;       ///< finds the link; lower case
  std::string address;   ///< CIDR; empty: the link is left down and unconfigured
  std::string gateway;   ///< empty: no default route through it
};

/// One rtnetlink connection of this network namespace.
class Netlink {
 public:
  static Result<Netlink> open();

  /// Brings the loopback link up.
  Result<> loopback_up();
  /// Address, up, default route. IPv4 addresses the link has besides are removed; what is right already stays, so open
  /// connections survive a second call. `not_found` when no link has the MAC.
  Result<> configure(const LinkSettings& settings);

 private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  explicit Netlink(nl_sock* socket) : socket_(socket) {}
  Result<int> find_link(const std::string& mac);
  Result<> set_up(int index);
  Result<> set_address(int index, const std::string& cidr);
  Result<> set_default_route(int index, const std::string& gateway);

  std::unique_ptr<nl_sock, Close> socket_;
};

}  // namespace banger::net
