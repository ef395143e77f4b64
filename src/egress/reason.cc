#include "egress/reason.h"

#include <fmt/format.h>

#include "base/text.h"
#include "egress/bounds.h"

namespace banger::egress {

namespace {

/// `sentence` has {name}, {address} and {port} in it.
struct Row {
  Reason reason;
  std::string_view word, sentence, way_out = {};
};

constexpr std::string_view kAllowName = "add a rule with --allow", kAllowAddress = "allow the address with --allow",
                           kUseName = "let the program use the host's name, or allow the address with --allow";

constexpr Row kRows[] = {
    {Reason::allowed, "allowed", "the policy allows {name}"},
    {Reason::name_not_allowed, "name_not_allowed", "no rule of the policy allows the name {name}", kAllowName},
    {Reason::name_malformed, "name_malformed", "{name} is not a host name"},
    {Reason::lookup_malformed, "lookup_malformed", "the DNS query is malformed, or asks for what is not served"},
    {Reason::record_withheld, "record_withheld", "guests do not get this kind of DNS record of {name}"},
    {Reason::answer_malformed, "answer_malformed", "the DNS server's answer about {name} is malformed"},
    {Reason::answer_foreign, "answer_foreign", "the DNS answer belongs to another query than that for {name}"},
    {Reason::alias_chain, "alias_chain", "the aliases of {name} go in a circle, or there are too many"},
    {Reason::answer_closed, "answer_closed", "{name} has only addresses in closed networks", kAllowAddress},
    {Reason::address_closed, "address_closed", "{address} is in a network that is closed by default", kAllowAddress},
    {Reason::address_of_host, "address_of_host", "{address} belongs to this host", kAllowAddress},
    {Reason::address_not_opened, "address_not_opened",
     "no rule, and no lookup of an allowed name, has opened {address}", kUseName},
    {Reason::port_closed, "port_closed", "the rules for {name} do not allow port {port}",
     "allow HOST:PORT with --allow"},
    {Reason::not_tls, "not_tls", "the connection to {address}:{port} does not begin with TLS", kAllowAddress},
    {Reason::hello_malformed, "hello_malformed", "the TLS handshake with {address} is malformed"},
    {Reason::not_http, "not_http", "the connection to {address}:{port} does not begin with a sound HTTP/1 request"},
    {Reason::name_missing, "name_missing", "the connection to {address}:{port} names no host", kAllowAddress},
    {Reason::name_is_address, "name_is_address", "the connection to {address}:{port} names an address, not a host",
     kUseName},
    {Reason::several_names, "several_names", "the connection to {address}:{port} names several hosts"},
    {Reason::name_encrypted, "name_encrypted", "Encrypted Client Hello hides the host of the connection to {address}",
     "turn Encrypted Client Hello off in the program, or allow the address with --allow"},
    {Reason::names_differ, "names_differ", "a request inside the connection to {name} is for another host"},
    {Reason::not_a_proxy, "not_a_proxy", "the request at {address}:{port} is one for a proxy",
     "let the program connect directly"},
    {Reason::protocol_switch, "protocol_switch",
     "the request to {name} would switch to a protocol other than WebSocket",
     "let the program stay with HTTP/1.1, or allow the address with --allow"},
    {Reason::certificate_refused, "certificate_refused",
     "the certificate of {name} at {address}:{port} is not accepted",
     "check the server's certificate, or make its CA known to this host"},
    {Reason::tls_failed, "tls_failed", "the TLS handshake with {name} at {address}:{port} failed"},
    {Reason::guest_ended_tls, "guest_ended_tls", "the guest did not accept banger's certificate for {name}",
     "let the program use the guest's trusted CAs"},
    {Reason::no_common_protocol, "no_common_protocol", "the guest wants to speak something other than HTTP with {name}",
     "let the program use HTTP/1.1, or take the secret away from this host"},
    {Reason::secret_missing, "secret_missing", "a request to {name} needs a secret whose value is missing",
     "give the value again with --secret"},
    {Reason::head_too_large, "head_too_large", "a request to {name} is too large with its secrets"},
    {Reason::lookup_failed, "lookup_failed", "no name server has answered about {name}"},
    {Reason::too_many_connections, "too_many_connections", "the connection to {address}:{port} is one too many"},
    {Reason::said_nothing, "said_nothing", "the connection to {address}:{port} did not say in time what it wants"},
    {Reason::host_does_not_answer, "host_does_not_answer",
     "the policy allows {name}, but {address}:{port} cannot be reached"},
};

const Row& row_of(Reason reason) {
  for (const auto& row : kRows)
    if (row.reason == reason) return row;
  return kRows[0];
}

}  // namespace

std::string_view to_word(Reason reason) { return row_of(reason).word; }

std::string to_sentence(Reason reason, std::string_view name, net::Ipv4 address, std::uint16_t port) {
  auto place = net::to_text(address);
  return fmt::format(fmt::runtime(row_of(reason).sentence),
                     fmt::arg("name", name.empty() ? place : printable(name, limits::kLogNameBytes)),
                     fmt::arg("address", place), fmt::arg("port", port));
}

std::string_view way_out(Reason reason) { return row_of(reason).way_out; }

}  // namespace banger::egress
