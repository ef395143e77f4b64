#include "capabilities/host_proxy/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letters.h"
#include "egress/closed.h"
#include "http/address.h"
#include "net/addresses.h"

namespace banger::capabilities {

namespace {

using egress::HostKind;
using egress::TargetForm;

// Of one connection, not of the request (RFC 9110, section 7.6.1). Upgrade would change the protocol unseen.
constexpr std::string_view kOfConnection[] = {"connection",       "keep-alive", "proxy-authorization",
                                              "proxy-connection", "te",         "upgrade"};

bool passes(std::string_view name, bool tunnel) {
  auto small = lower(name);
  // The bytes of a tunnel have no framing.
  bool of_request = small == "host" || small == "content-length" || small == "transfer-encoding";
  return std::ranges::find(kOfConnection, small) == std::end(kOfConnection) && !(tunnel && of_request);
}

// closed_ranges() has the same networks.
bool is_lan(net::Ipv4 address) {
  return net::Range{0x0a000000, 8}.contains(address) || net::Range{0x64400000, 10}.contains(address) ||
         net::Range{0xac100000, 12}.contains(address) || net::Range{0xc0a80000, 16}.contains(address);
}

std::unexpected<Error> closed(std::string_view host, std::string_view why, std::string hint = {}) {
  return fail(ErrorCode::denied, fmt::format("guests do not reach {} through the host's proxy: {}", host, why),
              std::move(hint));
}

Result<> check_address(net::Ipv4 address, const ProxyReach& reach) {
  auto text = net::to_text(address);
  const auto* range = egress::closed_range_of(address);
  bool opened = (reach.lan && is_lan(address)) || (reach.link_local && net::Range{0xa9fe0000, 16}.contains(address));
  if (range && !opened) return closed(text, fmt::format("it is in {}", range->what));
  if (reach.is_own(address)) return closed(text, "it is an address of the host");
  return {};
}

Result<> check_host(const egress::Host& host, const ProxyReach& reach) {
  if (host.kind == HostKind::name) {
    if (http::is_localhost(host.name) || reach.names_us(host.name)) return closed(host.name, "it is the host itself");
    return {};
  }
  if (host.address) return check_address(*host.address, reach);
  return closed("that address", "it is not IPv4 in four numbers", "use a name");
}

}  // namespace

Result<> check_for_proxy(const egress::HttpHead& head, const ProxyReach& reach) {
  bool is_request = head.form == TargetForm::absolute && head.scheme == "http";
  if (head.form != TargetForm::authority && !is_request)
    return fail(ErrorCode::unsupported, "this is the host's proxy: it takes CONNECT and requests for http://");
  // The answer to TRACE repeats the request, with the password in it.
  if (head.method == "TRACE") return fail(ErrorCode::unsupported, "the host's proxy gets no TRACE of guests");
  return check_host(head.host, reach);
}

std::string head_for_proxy(const egress::HttpHead& head, const std::string& authorization) {
  bool tunnel = head.form == TargetForm::authority;
  auto text = fmt::format("{} {} HTTP/1.{}\r\n", head.method, head.target, tunnel ? 1 : head.minor_version);
  if (tunnel) text += fmt::format("Host: {}\r\n", head.target);
  for (const auto& field : head.fields)
    if (passes(field.name, tunnel)) text += fmt::format("{}: {}\r\n", field.name, field.value);
  if (!authorization.empty()) text += fmt::format("Proxy-Authorization: {}\r\n", authorization);
  if (!tunnel) text += "Connection: close\r\n";
  return text + "\r\n";
}

std::string answer_of_relay(const Error& error) {
  auto status = error.code == ErrorCode::denied        ? "403 Forbidden"
                : error.code == ErrorCode::unsupported ? "501 Not Implemented"
                : error.code == ErrorCode::invalid     ? "400 Bad Request"
                : error.code == ErrorCode::exhausted   ? "503 Service Unavailable"
                : error.code == ErrorCode::timeout     ? "504 Gateway Timeout"
                                                       : "502 Bad Gateway";
  auto body = fmt::format("banger: {}\n", error.sentence());
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      status, body.size(), body);
}

}  // namespace banger::capabilities
