// What a guest may ask of the host's proxy, and the head that the proxy gets for it. Pure but for the host's own
// addresses and names.
//
// A proxy connects for the guest from the host's side. So the relay refuses what would lead to this host: the proxy may
// run on it. A name that leads here by DNS is not found out; only the proxy knows where it connects.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "egress/http_head.h"

namespace banger::capabilities {

/// What of the closed networks (egress/closed.h) this guest reaches anyway, and what this host is.
struct ProxyReach {
  bool lan = false;                                  ///< net::kLanRanges
  bool link_local = false;                           ///< 169.254.0.0/16
  std::function<bool(net::Ipv4)> is_own;             ///< whether the address is this host's own
  std::function<bool(const std::string&)> names_us;  ///< whether the host's own files call it so
};

/// `denied` for a place that the guest must not reach, `unsupported` for what the relay does not pass on. The message
/// is for the guest's user.
Result<> check_for_proxy(const egress::HttpHead& head, const ProxyReach& reach);

/// The head for the proxy, with its `authorization` if there is one. The guest's own authorization and the fields of
/// its connection are left out. A request asks the proxy to close, because it is the connection's only one.
std::string head_for_proxy(const egress::HttpHead& head, const std::string& authorization);

/// An answer of the relay itself, which ends the connection.
std::string answer_of_relay(const Error& error);

}  // namespace banger::capabilities
