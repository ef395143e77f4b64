// TOML to Config.
#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/bounds.h"
#include "config/schema.h"
#include "config/toml_text.h"
#include "host/files.h"
#include "vm/spec.h"

namespace banger::config {

namespace {

Written written_of(const toml::node& node) {
  if (auto* text = node.as_string()) return text->get();
  if (auto* flag = node.as_boolean()) return flag->get();
  if (auto* number = node.as_integer()) return number->get();
  if (auto* list = node.as_array()) {
    std::vector<std::string> texts;
    for (const auto& item : *list) {
      auto* text = item.as_string();
      if (!text) return {};
      texts.push_back(text->get());
    }
    return texts;
  }
  return {};
}

enum class Group { none, later, here };

// Whether the schema has a table `name`, and whether this version implements any of its keys.
Group group_of(const std::string& name) {
  Group group = Group::none;
  for (const auto& key : schema())
    if (key.name.starts_with(name + ".")) group = key.implemented ? Group::here : std::max(group, Group::later);
  return group;
}

/// `instead`: the key that a table with a name of its own has.
std::unexpected<Error> unknown_key(const std::string& name, const std::string& instead = {}) {
  std::string last = name.substr(name.rfind('.') + 1);
  std::vector<std::string> known;
  if (!instead.empty()) known.push_back(instead);
  for (const auto& key : schema()) {
    auto dot = key.name.rfind('.');
    auto table = key.name.substr(0, dot);
    bool list = table == kListTable;
    if (dot != key.name.npos && key.name.substr(dot + 1) == last && name != key.name)
      return fail(ErrorCode::invalid, fmt::format("unknown key '{}'", printable(name)),
                  fmt::format("put '{}' under {}{}{}", last, list ? "[[" : "[", table, list ? "]]" : "]"));
    known.emplace_back(key.name);
    if (dot != key.name.npos) known.emplace_back(table);
  }
  return fail(ErrorCode::invalid, fmt::format("unknown key '{}'", printable(name)),
              did_you_mean(name.substr(0, 128), known));
}

Result<> read_table(Config& config, const toml::table& table, const std::string& prefix, const std::string& path);

Result<> read_key(Config& config, const Entry& entry) {
  const Key* key = find_key(entry.name);
  return key ? set_value(config, *key, written_of(*entry.node)) : Result<>(unknown_key(entry.name));
}

// An entry that lacks one of its paths.
Result<> check_complete(const FileSync& entry) {
  for (auto [value, name] : {std::pair(&entry.host, "host"), std::pair(&entry.guest, "guest")})
    if (value->empty()) return fail(ErrorCode::invalid, fmt::format("it has no '{}'", name));
  return {};
}

// [[file_sync]]. Errors name the index of the entry.
Result<> read_list(Config& config, const Entry& entry, const std::string& path) {
  auto* list = entry.node->as_array();
  bool tables = list != nullptr;
  for (std::size_t i = 0; tables && i < list->size(); ++i) tables = list->get(i)->is_table();
  if (!tables)
    return in(fmt::format("{}:{}", path, entry.line),
              Result<>(fail(ErrorCode::invalid, fmt::format("'{}' must be a list of tables", entry.name),
                            fmt::format("write [[{}]]", entry.name))));
  for (const auto& item : *list) {
    auto name = fmt::format("{}[{}]", kListTable, config.file_sync.size());
    auto where = fmt::format("{}:{}", path, item.source().begin.line);
    if (config.file_sync.size() == limits::kFileSyncEntries)
      return in(where, Result<>(fail(ErrorCode::invalid, fmt::format("{}: at most {} entries are allowed", name,
                                                                     limits::kFileSyncEntries))));
    config.file_sync.emplace_back();
    for (const auto& inner : entries_of(*item.as_table(), std::string(kListTable) + "."))
      TRY(in(fmt::format("{}:{}: {}", path, inner.line, name), read_key(config, inner)));
    TRY(in(fmt::format("{}: {}", where, name), check_complete(config.file_sync.back())));
  }
  return {};
}

Result<> check_new_policy(const std::string& name) {
  TRY(vm::check_policy_name(name));
  if (name != vm::kOpenEgress && name != vm::kNoEgress) return {};
  return fail(ErrorCode::invalid, fmt::format("'{}' is a policy that always exists, and cannot be changed", name),
              "give the policy another name");
}

// The keys of [egress.NAME]. `prefix` is "egress.NAME.".
Result<> read_policy(std::vector<std::string>& rules, const toml::table& table, const std::string& prefix,
                     const std::string& path) {
  auto key = *find_key(kPolicyKey);
  auto name = prefix + std::string(kPolicyKey.substr(kPolicyKey.rfind('.') + 1));
  key.name = name;
  for (const auto& entry : entries_of(table, prefix)) {
    auto where = fmt::format("{}:{}", path, entry.line);
    if (entry.name != name) return in(where, Result<>(unknown_key(entry.name, name)));
    rules = std::get<std::vector<std::string>>(TRY(in(where, check_value(key, written_of(*entry.node)))));
  }
  return {};
}

// The tables [egress.NAME].
Result<> read_policies(Config& config, const Entry& entry, const std::string& path) {
  auto must_be_table = [&](const Entry& wrong, std::string hint) {
    return in(fmt::format("{}:{}", path, wrong.line),
              Result<>(fail(ErrorCode::invalid, fmt::format("'{}' must be a table", printable(wrong.name)),
                            std::move(hint))));
  };
  auto* policies = entry.node->as_table();
  if (!policies) return must_be_table(entry, "the policy of new VMs is default_egress; write [egress.NAME] for a list");
  auto prefix = std::string(kNamedTable) + ".";
  for (const auto& policy : entries_of(*policies, prefix)) {
    auto* table = policy.node->as_table();
    if (!table) return must_be_table(policy, "write [egress.NAME], and in it allow = [\"HOST\"]");
    auto name = policy.name.substr(prefix.size());
    TRY(in(fmt::format("{}:{}", path, policy.line), check_new_policy(name)));
    TRY(read_policy(config.egress_policies[name], *table, policy.name + ".", path));
  }
  return {};
}

Result<> read_entry(Config& config, const Entry& entry, const std::string& path) {
  if (entry.name == kListTable) return read_list(config, entry, path);
  if (entry.name == kNamedTable) return read_policies(config, entry, path);
  std::string where = fmt::format("{}:{}", path, entry.line);
  if (const Key* key = find_key(entry.name)) return in(where, set_value(config, *key, written_of(*entry.node)));
  switch (group_of(entry.name)) {
    case Group::none:
      return in(where, Result<>(unknown_key(entry.name)));
    case Group::later:
      return in(where, Result<>(fail(ErrorCode::unsupported,
                                     fmt::format("'{}' is not available in this version", entry.name), "remove it")));
    case Group::here:
      break;
  }
  if (auto* inner = entry.node->as_table()) return read_table(config, *inner, entry.name + ".", path);
  return in(where, Result<>(fail(ErrorCode::invalid, fmt::format("'{}' must be a table", entry.name),
                                 fmt::format("write [{}]", entry.name))));
}

Result<> read_table(Config& config, const toml::table& table, const std::string& prefix, const std::string& path) {
  for (const auto& entry : entries_of(table, prefix)) TRY(read_entry(config, entry, path));
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  Config config;
  TRY(read_table(config, TRY(parse_toml(text, path)), "", path));
  return config;
}

Result<Config> load_config(const std::string& path) {
  auto text = host::read_file(path, limits::kConfigFileBytes);
  if (!text && text.error().code == ErrorCode::not_found) return Config{};
  if (!text) return std::unexpected(std::move(text.error()).in("read the config"));
  return parse_config(*text, path);
}

}  // namespace banger::config
