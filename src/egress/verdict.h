// Whether a guest's connection may go on: the policy, what lookups have opened, the destination, and what the
// connection says first. Pure.
//
// A connection is allowed in one of two ways.
//   By address: `open` or a rule opens the destination. Then nothing that the connection says matters.
//   By name: a lookup has opened the destination, and the connection itself names a host that a rule allows on this
//   port. The name may be another one than the lookup's, because clients use one address for several names.
// A program of the proxy asks judge_address() first, and looks into the connection only when `needs_name` is set.
#pragma once

#include <optional>
#include <string>

#include "egress/client_hello.h"
#include "egress/http_head.h"
#include "egress/openings.h"
#include "egress/policy.h"
#include "egress/reason.h"

namespace banger::egress {

struct Destination {
  Ipv4 address = 0;
  std::uint16_t port = 0;
  bool by_proxy = false;  ///< the host's proxy looks up the name, so nobody here knows the address; it is 0
  friend bool operator==(const Destination&, const Destination&) = default;
};

struct Verdict {
  Reason reason = Reason::address_not_opened;
  std::string name = {};    ///< for the log: the name that decided, or one that leads to the address; may be empty
  bool needs_name = false;  ///< allowed by a lookup: on a port of the proxy, the connection's own name decides
  bool allowed() const { return reason == Reason::allowed; }
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// The destination alone. The answer for ports that the proxy does not look into.
Verdict judge_address(const Policy& policy, const Openings& openings, Destination to, Instant now);

/// A connection whose first bytes were read as TLS. `state` is never need_more: a connection that ends or waits too
/// long before its ClientHello is complete counts as malformed.
Verdict judge_tls(const Policy& policy, const Openings& openings, Destination to, HelloState state,
                  const ClientHello& hello, Instant now);

/// A second ClientHello of a connection that judge_tls() has allowed by name (hello_retry.h). It must name the same
/// host, because some servers use the second name.
Verdict judge_second_hello(const ClientHello& first, HelloState state, const ClientHello& second);

/// A request of a connection without TLS. Belongs before each request of the connection, not only the first one.
/// `state` is never need_more.
Verdict judge_http(const Policy& policy, const Openings& openings, Destination to, HeadState state,
                   const HttpHead& head, Instant now);

/// Where a request to a proxy leads. Nothing for a request that only a server takes, or for https without a tunnel.
/// Nothing either for an address that is not IPv4 in four numbers.
std::optional<Destination> asked_of_proxy(const HttpHead& head);

/// Such a request, to where asked_of_proxy() says. With `needs_name`, what is said inside a tunnel decides too.
Verdict judge_proxied(const Policy& policy, const Openings& openings, Destination to, const HttpHead& head,
                      Instant now);

/// A request inside a TLS connection that the proxy has ended. Its host must be `sni`, the canonical name of the
/// connection. Otherwise an allowed name would be a way to other hosts behind the same server.
Verdict judge_inside_tls(const std::string& sni, Destination to, HeadState state, const HttpHead& head);

/// The same for a request of HTTP/2, with its pseudo-header fields. A WebSocket (RFC 8441) is one like others.
Verdict judge_inside_tls(const std::string& sni, Destination to, const std::vector<HttpField>& fields);

/// The sentence of a refusal, with its way out as the hint. For the log and for the body of an answer to the guest.
Error to_error(const Verdict& verdict, Destination to);

}  // namespace banger::egress
