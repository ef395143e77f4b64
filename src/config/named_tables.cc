#include "config/named_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/entries.h"
#include "config/schema.h"
#include "vm/spec.h"

namespace banger::config {

namespace {

struct NamedTable {
  std::string_view table;
  std::string_view not_a_table, entry_not_a_table;  ///< the ways out of errors
  Result<> (*begin)(Config&, const std::string& name);
  Result<> (*check)(const Config&, const std::string& name);  ///< once the table has been read
};

Result<> begin_policy(Config& config, const std::string& name) {
  TRY(vm::check_policy_name(name));
  if (name == vm::kOpenEgress || name == vm::kNoEgress)
    return fail(ErrorCode::invalid, fmt::format("'{}' is a policy that always exists, and cannot be changed", name),
                "give the policy another name");
  config.egress_policies[name];
  return {};
}

Result<> check_policy(const Config&, const std::string&) { return {}; }

Result<> begin_secret(Config& config, const std::string& name) {
  TRY(vm::check_secret_name(name));
  config.secrets[name];
  return {};
}

Result<> check_secret(const Config& config, const std::string& name) {
  const auto& secret = config.secrets.at(name);
  auto places = !secret.file.empty() + !secret.command.empty() + !secret.env.empty();
  if (places > 1)
    return fail(ErrorCode::invalid, fmt::format("the secret '{}' has more than one place for its value", name),
                "keep one of file, command and env");
  return secret.env.empty() ? Result<>() : in(fmt::format("'secrets.{}.env'", name), vm::check_secret_name(secret.env));
}

constexpr NamedTable kTables[] = {
    {"egress", "the policy of new VMs is default_egress; write [egress.NAME] for a list",
     "write [egress.NAME], and in it allow = [\"HOST\"]", begin_policy, check_policy},
    {"secrets", "write [secrets.NAME] for each secret", "write [secrets.NAME], and in it hosts = [\"HOST\"]",
     begin_secret, check_secret},
};

const NamedTable* find_table(std::string_view name) {
  auto found = std::ranges::find(kTables, name, &NamedTable::table);
  return found == std::end(kTables) ? nullptr : found;
}

Result<> must_be_table(const Entry& wrong, std::string_view hint) {
  return fail(ErrorCode::invalid, fmt::format("'{}' must be a table", printable(wrong.name)), std::string(hint));
}

/// The keys of one table as they would stand in the file: "egress.ci.allow".
std::vector<std::string> keys_of(std::string_view table, const std::string& prefix) {
  std::vector<std::string> names;
  auto begin = fmt::format("{}{}", table, kNamePart);
  for (const auto& key : schema())
    if (key.name.starts_with(begin)) names.push_back(prefix + std::string(key.name.substr(begin.size())));
  return names;
}

/// `prefix` is "egress.ci.".
Result<> read_key(Config& config, const NamedTable& table, const std::string& prefix, const std::string& name,
                  const Entry& entry) {
  auto last = entry.name.substr(prefix.size());
  const auto* known = find_key(fmt::format("{}{}{}", table.table, kNamePart, last));
  if (!known) return unknown_key(entry.name, keys_of(table.table, prefix));
  auto key = *known;
  key.name = entry.name;
  key.set_named(config, name, TRY(check_value(key, written_of(*entry.node))));
  return {};
}

Result<> read_one(Config& config, const NamedTable& table, const std::string& name, const Entry& entry,
                  const std::string& path) {
  auto where = [&](std::uint32_t line) { return fmt::format("{}:{}", path, line); };
  TRY(in(where(entry.line), table.begin(config, name)));
  auto prefix = entry.name + ".";
  for (const auto& inner : entries_of(*entry.node->as_table(), prefix))
    TRY(in(where(inner.line), read_key(config, table, prefix, name, inner)));
  return in(where(entry.line), table.check(config, name));
}

}  // namespace

bool is_named_table(std::string_view name) { return find_table(name) != nullptr; }

Result<> read_named(Config& config, const Entry& entry, const std::string& path) {
  const auto& table = *find_table(entry.name);
  auto where = [&](const Entry& wrong) { return fmt::format("{}:{}", path, wrong.line); };
  auto* all = entry.node->as_table();
  if (!all) return in(where(entry), must_be_table(entry, table.not_a_table));
  auto prefix = entry.name + ".";
  for (const auto& one : entries_of(*all, prefix)) {
    if (!one.node->as_table()) return in(where(one), must_be_table(one, table.entry_not_a_table));
    TRY(read_one(config, table, one.name.substr(prefix.size()), one, path));
  }
  return {};
}

}  // namespace banger::config
