// Fuzzes policies. The first line is the policy's word, the other lines are rules. What is accepted keeps its meaning
// in text and in JSON, and every lookup agrees with a plain walk over the rules.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "egress/closed.h"
#include "egress/policy.h"

namespace {

using namespace banger;
using namespace banger::egress;

void must(bool holds) {
  if (!holds) std::abort();
}

bool names(const Rule& rule, const std::string& name, std::uint16_t port) {
  bool matches = (rule.kind == RuleKind::name && name == rule.name) ||
                 (rule.kind == RuleKind::below && name.ends_with("." + rule.name));
  return matches && rule.ports.contains(port);
}

bool opens(const Rule& rule, Ipv4 address, std::uint16_t port) {
  const auto* closed = closed_range_of(address);
  return rule.kind == RuleKind::range && rule.range.contains(address) && rule.ports.contains(port) &&
         (!closed || closed->range.contains(rule.range.first)) &&
         (!closed || rule.range.prefix >= closed->range.prefix);
}

template <class Match>
bool any(const Policy& policy, Match match) {
  for (const auto& rule : policy.rules())
    if (match(rule)) return true;
  return false;
}

void check_name(const Policy& policy, const std::string& name, std::uint16_t port) {
  auto canonical = host_name(name);
  bool plain =
      canonical && (policy.is_open() || any(policy, [&](const Rule& r) { return names(r, *canonical, port); }));
  must(policy.allows(name, port) == plain);
  must(policy.ports_of(name).contains(port) == plain);
  must(!plain || policy.allows_name(name));
}

bool in_list(const std::vector<OpenAddresses>& list, Ipv4 address, std::uint16_t port) {
  for (const auto& open : list)
    if (open.first <= address && address <= open.last && open.ports.contains(port)) return true;
  return false;
}

void check_address(const Policy& policy, const std::vector<OpenAddresses>& list, Ipv4 address, std::uint16_t port) {
  bool plain = (policy.is_open() && !closed_range_of(address)) ||
               any(policy, [&](const Rule& r) { return opens(r, address, port); });
  must(policy.allows_address(address, port) == plain);
  must(in_list(list, address, port) == plain);
}

void check_lookups(const Policy& policy, const Rule& rule, const std::vector<OpenAddresses>& list) {
  for (std::uint16_t port : {std::uint16_t{443}, rule.ports.first, rule.ports.last}) {
    for (const auto& name : {rule.name, "a." + rule.name, "a.b." + rule.name, "a" + rule.name, rule.name + "."})
      check_name(policy, name, port);
    for (auto address : {rule.range.first - 1, rule.range.first, rule.range.last(), rule.range.last() + 1})
      check_address(policy, list, address, port);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto lines = split(text, '\n');
  std::vector<std::string> rules(lines.begin() + 1, lines.end());
  auto policy = Policy::make(lines[0], rules);
  if (!policy) {
    must(!policy.error().message.empty() && !policy.error().hint.empty());
    return 0;
  }
  must(policy_from_json(to_json(*policy)) == *policy);
  must(!to_text(*policy).empty());
  auto list = policy->open_addresses();
  for (const auto& rule : policy->rules()) {
    must(parse_rule(to_text(rule)) == rule);
    if (policy->rules().size() <= 64) check_lookups(*policy, rule, list);
  }
  return 0;
}
