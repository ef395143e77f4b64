// Why something was allowed or refused: one enum for lookups, connections and requests. The words are stable, because
// the log has them in JSON. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/ipv4.h"

namespace banger::egress {

enum class Reason {
  allowed,

  // -- of a lookup
  name_not_allowed,  ///< no rule has the name; also of a connection whose name was read
  name_malformed,    ///< the name is no host name
  lookup_malformed,  ///< the query is no query, or asks for a class or a transfer that is not served
  record_withheld,   ///< a kind of record that a guest does not get, such as IPv6 addresses and keys of ECH
  answer_malformed,  ///< the server's answer is no DNS message, or not consistent
  answer_foreign,    ///< the answer belongs to another query
  alias_chain,       ///< the aliases go in a circle, or there are too many
  answer_closed,     ///< all addresses of the answer are in closed ranges (DNS rebinding)

  // -- of a connection
  address_closed,      ///< the address is in a closed range, and no rule names it
  address_of_host,     ///< the address belongs to this host, and no rule names it
  address_not_opened,  ///< neither a rule nor a lookup has opened the address
  port_closed,         ///< the address or the name is open on other ports only

  // -- of what a connection says first
  not_tls,
  hello_malformed,
  not_http,  ///< no HTTP/1 request, or one that servers may read in two ways
  name_missing,
  name_is_address,  ///< an address in the place of a name
  several_names,
  name_encrypted,   ///< Encrypted Client Hello hides the name
  names_differ,     ///< the request is for another host than the connection
  not_a_proxy,      ///< the request asks for a tunnel, or for another scheme or port
  protocol_switch,  ///< the request asks for another protocol, in which hosts could change unseen

  // -- of a connection whose TLS the gate ends
  certificate_refused,  ///< the server's certificate is not accepted
  tls_failed,           ///< the handshake with the server failed for another cause
  guest_ended_tls,      ///< the guest has not finished the handshake, perhaps because it does not know the authority
  no_common_protocol,   ///< the guest wants protocols that the gate does not speak
  secret_missing,       ///< a request has the placeholder of a secret whose value is not known
  head_too_large,       ///< with the values of its secrets

  // -- not the policy's decision
  lookup_failed,         ///< no server has answered
  too_many_connections,  ///< of this guest, or of all
  said_nothing,          ///< the connection's first bytes did not come in time
  host_does_not_answer,  ///< the policy allows the connection, and it could not be made
};

/// "name_not_allowed"; for JSON.
std::string_view to_word(Reason reason);

/// One sentence for a person, without the full stop: "no rule of the policy allows the name example.org". `name` may be
/// empty, and becomes printable.
std::string to_sentence(Reason reason, std::string_view name, net::Ipv4 address, std::uint16_t port);

/// What the user can do about it, as an imperative clause; may be empty.
std::string_view way_out(Reason reason);

}  // namespace banger::egress
