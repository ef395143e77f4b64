#include "roles/cli/run_config.h"

#include "base/text.h"

namespace banger::roles::cli {

namespace {

std::string quoted(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const auto& word : words) quoted.push_back(shell_quote(word));
  return join(quoted, " ");
}

void add(Table& table, std::string_view name, const std::string& value) {
  if (!value.empty()) table.add({std::string(name), value});
}

}  // namespace

void add_run_config(Table& table, const std::optional<api::RunConfigObject>& config) {
  if (!config) return;
  add(table, "entrypoint", quoted(config->entrypoint));
  add(table, "command", quoted(config->cmd));
  add(table, "environment", quoted(config->env));
  add(table, "working dir", config->working_dir);
  add(table, "user", config->user);
  add(table, "stop signal", config->stop_signal);
}

}  // namespace banger::roles::cli
