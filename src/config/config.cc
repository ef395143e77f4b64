// TOML to Config.
#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/bounds.h"
#include "config/entries.h"
#include "config/named_tables.h"
#include "config/schema.h"
#include "config/toml_text.h"
#include "host/files.h"

namespace banger::config {

namespace {

enum class Group { none, later, here };

// Whether the schema has a table `name`, and whether this version implements any of its keys.
Group group_of(const std::string& name) {
  Group group = Group::none;
  for (const auto& key : schema())
    if (key.name.starts_with(name + ".")) group = key.implemented ? Group::here : std::max(group, Group::later);
  return group;
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

Result<> read_entry(Config& config, const Entry& entry, const std::string& path) {
  if (entry.name == kListTable) return read_list(config, entry, path);
  if (is_named_table(entry.name)) return read_named(config, entry, path);
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
