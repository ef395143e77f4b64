#include "egress/verdict.h"

#include <algorithm>
#include <charconv>

namespace banger::egress {

namespace {

constexpr std::uint16_t kHttpPort = 80;

// What refuses a destination that is not open.
Reason reason_against(const Policy& policy, const Openings& openings, Destination to, Instant now) {
  if (policy.names_address(to.address)) return Reason::port_closed;
  if (policy.is_of_host(to.address)) return Reason::address_of_host;
  bool opened = openings.has(to.address, now);
  if (policy.is_closed(to.address) && !(opened && policy.is_peer(to.address))) return Reason::address_closed;
  return opened ? Reason::port_closed : Reason::address_not_opened;
}

Verdict judge_name(const Policy& policy, const std::string& name, std::uint16_t port) {
  if (policy.allows(name, port)) return {.reason = Reason::allowed, .name = name};
  return {.reason = policy.allows_name(name) ? Reason::port_closed : Reason::name_not_allowed, .name = name};
}

Verdict refuse(Reason reason, std::string name = {}) { return {.reason = reason, .name = std::move(name)}; }

Reason fault_of(HelloState state) { return state == HelloState::not_tls ? Reason::not_tls : Reason::hello_malformed; }

// Without a name that can be checked, there is no way to allow a connection by name.
Reason fault_of(const ClientHello& hello) {
  if (hello.encrypted) return Reason::name_encrypted;
  switch (hello.kind) {
    case SniKind::none:
      return Reason::name_missing;
    case SniKind::address:
      return Reason::name_is_address;
    case SniKind::several:
      return Reason::several_names;
    case SniKind::invalid:
      return Reason::name_malformed;
    case SniKind::name:
      break;
  }
  return Reason::allowed;
}

/// Whether the request asks for what is not at `to`, as a client of a proxy does. `scheme`: of the connection.
bool is_for_proxy(const HttpHead& head, std::string_view scheme, std::uint16_t port) {
  return head.form == TargetForm::authority || (head.form == TargetForm::absolute && head.scheme != scheme) ||
         (head.port != 0 && head.port != port);
}

// After a switch to HTTP/2, each request could have a host of its own. A WebSocket stays with one host.
bool switches(const HttpHead& head) {
  return std::ranges::any_of(head.upgrades, [](const std::string& protocol) { return protocol != "websocket"; });
}

}  // namespace

Verdict judge_address(const Policy& policy, const Openings& openings, Destination to, Instant now) {
  // The proxy was asked for an allowed name.
  if (to.by_proxy) return {.reason = Reason::allowed, .needs_name = !policy.is_open()};
  auto name = openings.name_for(to.address, now);
  if (policy.allows_address(to.address, to.port)) return {.reason = Reason::allowed, .name = std::move(name)};
  bool can_open = !policy.is_closed(to.address) || policy.is_peer(to.address);
  bool opened = can_open && openings.is_open(to.address, to.port, now);
  if (opened) return {.reason = Reason::allowed, .name = std::move(name), .needs_name = true};
  return refuse(reason_against(policy, openings, to, now), std::move(name));
}

Verdict judge_tls(const Policy& policy, const Openings& openings, Destination to, HelloState state,
                  const ClientHello& hello, Instant now) {
  auto verdict = judge_address(policy, openings, to, now);
  bool named = state == HelloState::found && hello.kind == SniKind::name;
  if (named) verdict.name = hello.sni;
  if (!verdict.allowed() || !verdict.needs_name) return verdict;
  if (state != HelloState::found) return refuse(fault_of(state), std::move(verdict.name));
  if (auto fault = fault_of(hello); fault != Reason::allowed) return refuse(fault, std::move(verdict.name));
  return judge_name(policy, hello.sni, to.port);
}

Verdict judge_second_hello(const ClientHello& first, HelloState state, const ClientHello& second) {
  if (state != HelloState::found) return refuse(fault_of(state), first.sni);
  if (second.encrypted) return refuse(Reason::name_encrypted, first.sni);
  return refuse(second.kind == first.kind && second.sni == first.sni ? Reason::allowed : Reason::names_differ,
                first.sni);
}

Verdict judge_http(const Policy& policy, const Openings& openings, Destination to, HeadState state,
                   const HttpHead& head, Instant now) {
  auto verdict = judge_address(policy, openings, to, now);
  bool named = state == HeadState::found && head.host.kind == HostKind::name;
  if (named) verdict.name = head.host.name;
  if (!verdict.allowed() || !verdict.needs_name) return verdict;
  if (state != HeadState::found) return refuse(Reason::not_http, std::move(verdict.name));
  if (is_for_proxy(head, "http", to.port)) return refuse(Reason::not_a_proxy, std::move(verdict.name));
  if (switches(head)) return refuse(Reason::protocol_switch, std::move(verdict.name));
  if (!named) return refuse(Reason::name_is_address, std::move(verdict.name));
  return judge_name(policy, head.host.name, to.port);
}

std::optional<Destination> asked_of_proxy(const HttpHead& head) {
  bool tunnel = head.form == TargetForm::authority;
  if (!tunnel && (head.form != TargetForm::absolute || head.scheme != "http")) return std::nullopt;
  auto port = head.port == 0 ? kHttpPort : head.port;
  if (tunnel) {
    auto digits = head.target.data() + head.target.rfind(':') + 1;
    std::from_chars(digits, head.target.data() + head.target.size(), port);
  }
  bool by_name = head.host.kind == HostKind::name;
  if (!by_name && !head.host.address) return std::nullopt;
  return Destination{head.host.address.value_or(0), port, by_name};
}

Verdict judge_proxied(const Policy& policy, const Openings& openings, Destination to, const HttpHead& head,
                      Instant now) {
  auto verdict = to.by_proxy ? judge_name(policy, head.host.name, to.port) : judge_address(policy, openings, to, now);
  if (to.by_proxy) verdict.needs_name = !policy.is_open();
  bool nameless = verdict.allowed() && verdict.needs_name && !to.by_proxy && head.form == TargetForm::absolute;
  return nameless ? refuse(Reason::name_is_address, std::move(verdict.name)) : verdict;
}

Verdict judge_inside_tls(const std::string& sni, Destination to, HeadState state, const HttpHead& head) {
  if (state != HeadState::found) return refuse(Reason::not_http, sni);
  if (is_for_proxy(head, "https", to.port)) return refuse(Reason::not_a_proxy, sni);
  if (switches(head)) return refuse(Reason::protocol_switch, sni);
  return refuse(head.host.kind == HostKind::name && head.host.name == sni ? Reason::allowed : Reason::names_differ,
                sni);
}

Error to_error(const Verdict& verdict, Destination to) {
  return {.code = ErrorCode::denied,
          .message = to_sentence(verdict.reason, verdict.name, to.address, to.port),
          .hint = std::string(way_out(verdict.reason))};
}

}  // namespace banger::egress
