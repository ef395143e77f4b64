#include "capabilities/secret_hosts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "capabilities/egress_policy.h"
#include "egress/bounds.h"
#include "egress/rule.h"

namespace banger::capabilities {

namespace {

using egress::Rule;
using egress::RuleKind;

constexpr egress::PortRange kTlsPort{443, 443};

Result<Rule> parse_host(const std::string& secret, const std::string& text) {
  auto bad = [&](std::string_view why, std::string hint) {
    return fail(
        ErrorCode::invalid,
        fmt::format("'{}' cannot get the secret '{}': {}", printable(text, limits::kEgressRuleBytes), secret, why),
        std::move(hint));
  };
  auto rule = TRY(in(fmt::format("the secret '{}'", secret), egress::parse_rule(text)));
  if (rule.kind == RuleKind::range)
    return bad("it is an address, and certificates are for names", "give a name, like api.example.org");
  if (rule.ports != egress::kAnyPort && rule.ports.first != rule.ports.last)
    return bad("it has many ports", "name the host once for each port, or without a port for 443");
  return rule;
}

egress::PortRange ports_of(const Rule& host) { return host.ports == egress::kAnyPort ? kTlsPort : host.ports; }

bool is_below(std::string_view name, std::string_view parent) {
  return name.size() > parent.size() + 1 && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.';
}

/// Whether the rule allows every name and port that `host` means.
bool covers(const Rule& rule, const Rule& host) {
  auto ports = ports_of(host);
  if (!rule.ports.contains(ports.first) || !rule.ports.contains(ports.last)) return false;
  if (rule.kind == RuleKind::name) return host.kind == RuleKind::name && rule.name == host.name;
  if (rule.kind != RuleKind::below) return false;
  return is_below(host.name, rule.name) || (host.kind == RuleKind::below && host.name == rule.name);
}

Result<> check_named(const egress::Policy& policy, const std::string& secret, const std::string& text) {
  auto host = TRY(parse_host(secret, text));
  if (std::ranges::any_of(policy.rules(), [&](const Rule& rule) { return covers(rule, host); })) return {};
  return fail(ErrorCode::invalid,
              fmt::format("the egress policy does not name '{}', which the secret '{}' is for", text, secret),
              fmt::format("add --allow {}", text));
}

}  // namespace

Result<std::vector<vm::Secret>> complete_secrets(const config::Config& config, std::vector<vm::Secret> secrets) {
  for (auto& secret : secrets) {
    auto known = config.secrets.find(secret.name);
    if (secret.hosts.empty() && known != config.secrets.end()) secret.hosts = known->second.hosts;
    if (secret.hosts.empty())
      return fail(ErrorCode::invalid, fmt::format("the secret '{}' has no hosts", secret.name),
                  fmt::format("give --secret {0}@HOST, or hosts in [secrets.{0}] of the config", secret.name));
    for (auto& host : secret.hosts) host = egress::to_text(TRY(parse_host(secret.name, host)));
    std::ranges::sort(secret.hosts);
    secret.hosts.erase(std::ranges::unique(secret.hosts).begin(), secret.hosts.end());
  }
  return secrets;
}

Result<> check_secret_hosts(const config::Config& config, const vm::Spec& spec) {
  if (spec.secrets.empty()) return {};
  if (!spec.nat)
    return fail(ErrorCode::invalid, "a VM without nat can have no secrets: it reaches no host outside",
                "leave out --no-nat, or the secrets");
  auto policy = TRY(policy_of(config, spec));
  if (policy.is_open())
    return fail(ErrorCode::invalid,
                "a VM with the egress policy 'open' can have no secrets: it reaches hosts without the gate",
                fmt::format("name the hosts that it may reach, as in --egress none --allow {}",
                            spec.secrets[0].hosts.empty() ? "HOST" : spec.secrets[0].hosts[0]));
  for (const auto& secret : spec.secrets)
    for (const auto& host : secret.hosts) TRY(check_named(policy, secret.name, host));
  return {};
}

Result<> check_secret_network(const vm::Spec& spec) {
  if (spec.secrets.empty() || spec.network == vm::Network::bridge) return {};
  return fail(ErrorCode::unsupported,
              "a VM with the user network can have no secrets: it reaches hosts without the gate",
              "use a bridge or a private network (banger doctor tells what they need)");
}

Result<> check_config_secrets(const config::Config& config) {
  for (const auto& [name, source] : config.secrets)
    if (!source.hosts.empty())
      TRY(in(fmt::format("[secrets.{}]", name), complete_secrets(config, {{.name = name, .hosts = {}}})));
  return {};
}

}  // namespace banger::capabilities
