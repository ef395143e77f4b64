#include "egress/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/text.h"
#include "egress/bounds.h"

namespace banger::egress {

namespace {

Result<> check_egress(std::string_view egress) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (!egress.empty() && egress.size() <= limits::kEgressNameBytes && egress[0] != '-' &&
      std::ranges::all_of(egress, letter))
    return {};
  return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of an egress policy", printable(egress, 64)),
              "use open, none, or a name of lower-case letters, digits and dashes");
}

}  // namespace

Result<Policy> Policy::make(std::string_view egress, const std::vector<std::string>& rules) {
  TRY(check_egress(egress));
  if (rules.size() > limits::kEgressRules)
    return fail(ErrorCode::exhausted, fmt::format("{} egress rules are too many", rules.size()),
                fmt::format("give at most {}; *.example.org or 10.0.0.0/8 can replace many", limits::kEgressRules));
  Policy policy;
  policy.egress_ = egress;
  std::unordered_set<std::string> seen;
  for (const auto& text : rules) {
    auto rule = TRY(in("egress rule", parse_rule(text)));
    if (seen.insert(to_text(rule)).second) policy.add(std::move(rule));
  }
  return policy;
}

void Policy::add(Rule rule) {
  switch (rule.kind) {
    case RuleKind::name:
      names_.add(rule.name, rule.ports);
      break;
    case RuleKind::below:
      names_.add_below(rule.name, rule.ports);
      break;
    case RuleKind::range:
      addresses_.add(rule.range, rule.ports);
      break;
  }
  rules_.push_back(std::move(rule));
}

bool Policy::allows_name(std::string_view text) const {
  auto name = host_name(text);
  return name && (is_open() || names_.contains(*name));
}

bool Policy::allows(std::string_view text, std::uint16_t port) const {
  auto name = host_name(text);
  return name && (is_open() || names_.allows(*name, port));
}

Ports Policy::ports_of(std::string_view text) const {
  auto name = host_name(text);
  if (!name) return {};
  return is_open() ? Ports(kAnyPort) : names_.ports_of(*name);
}

bool Policy::allows_address(Ipv4 address, std::uint16_t port) const {
  return (is_open() && !is_closed(address)) || addresses_.allows(address, port);
}

bool Policy::names_address(Ipv4 address) const {
  return (is_open() && !is_closed(address)) || !addresses_.ports_of(address).empty();
}

std::vector<OpenAddresses> Policy::open_addresses() const {
  return addresses_.open_addresses(is_open() ? Ports(kAnyPort) : Ports());
}

std::string to_text(const Policy& policy) {
  std::vector<std::string> rules;
  for (const auto& rule : policy.rules()) rules.push_back(to_text(rule));
  if (rules.empty()) return policy.egress();
  std::string_view between = policy.is_open() ? ", also " : policy.egress() == "none" ? ", except " : ": ";
  return policy.egress() + std::string(between) + join(rules, ", ");
}

Json to_json(const Policy& policy) {
  Json rules = Json::array();
  for (const auto& rule : policy.rules()) rules.push_back(to_text(rule));
  return {{"egress", policy.egress()}, {"allow", std::move(rules)}};
}

Result<Policy> policy_from_json(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::invalid, "an egress policy is a JSON object");
  TRY(only_keys(json, {"egress", "allow"}));
  auto egress = TRY(find_string(json, "egress"));
  return Policy::make(egress.value_or("open"), TRY(find_strings(json, "allow")));
}

}  // namespace banger::egress
