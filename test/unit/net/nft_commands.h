// Looks into commands for nft: what they add to which set, and the rules of a chain in order.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace nft_commands {

using banger::Json;

/// Commands that have every member of `wanted` with the same value.
inline std::size_t count(const Json& commands, const Json& wanted) {
  std::size_t found = 0;
  for (const auto& command : commands.at("nftables")) {
    auto merged = command;
    merged.merge_patch(wanted);
    found += merged == command;
  }
  return found;
}

inline Json element(const char* verb, const char* set, Json value) {
  return {{verb, {{"element", {{"name", set}, {"elem", Json::array({std::move(value)})}}}}}};
}
inline Json element(const char* verb, const char* family, const char* set, Json value) {
  auto command = element(verb, set, std::move(value));
  command[verb]["element"]["family"] = family;
  return command;
}

/// The expressions of the rules that a chain gets, as text, in order.
inline std::vector<std::string> rules_of(const Json& commands, std::string_view family, std::string_view chain) {
  std::vector<std::string> rules;
  for (const auto& command : commands.at("nftables")) {
    if (!command.contains("add") || !command["add"].contains("rule")) continue;
    const auto& rule = command["add"]["rule"];
    if (rule.at("family") == family && rule.at("chain") == chain) rules.push_back(banger::dump_json(rule.at("expr")));
  }
  return rules;
}

/// The index of the only rule that has all these parts. The number of rules when none or several have them.
inline std::size_t find_rule(const std::vector<std::string>& rules, std::initializer_list<std::string_view> parts) {
  auto fits = [&](const std::string& rule) {
    return std::ranges::all_of(parts, [&](std::string_view part) { return rule.find(part) != rule.npos; });
  };
  auto found = std::ranges::find_if(rules, fits);
  bool only = found != rules.end() && std::ranges::count_if(rules, fits) == 1;
  return only ? static_cast<std::size_t>(found - rules.begin()) : rules.size();
}

}  // namespace nft_commands
