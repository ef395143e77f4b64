#include "roles/cli/secret_values.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/config.h"
#include "host/core_files.h"
#include "vm/secret.h"

namespace banger::roles::cli {

namespace {

Result<config::Config> config_of(const Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  return config::load_config(paths.config_file);
}

/// The variable with the value; empty when the daemon gets the value from the config's file or command.
std::string variable_of(const config::Config& config, const std::string& name) {
  auto known = config.secrets.find(name);
  if (known == config.secrets.end()) return name;
  const auto& source = known->second;
  if (!source.file.empty() || !source.command.empty()) return "";
  return source.env.empty() ? name : source.env;
}

Result<std::string> value_of(const Io& io, const std::string& secret, const std::string& variable) {
  auto value = io.env(variable);
  if (!value)
    return fail(ErrorCode::invalid,
                fmt::format("the secret '{}' has no value: the variable {} is not set", secret, variable),
                fmt::format("run 'export {}' with the value, or put file or command into [secrets.{}] of the config",
                            variable, secret));
  TRY(vm::check_secret_value(secret, *value));
  return std::move(*value);
}

void remove_variable(Io& io, const std::string& variable) {
  std::erase_if(io.environment, [&](const auto& line) { return line.starts_with(variable + "="); });
}

}  // namespace

Result<> add_secret_values(Context& context, Json& params) {
  auto given = context.args.all("secret");
  if (given.empty()) return {};
  auto config = TRY(config_of(context.io));
  (void)host::keep_memory_out_of_core_files();
  Json values = Json::object();
  for (const auto& text : given) {
    auto secret = TRY(vm::parse_secret(text));
    auto variable = variable_of(config, secret.name);
    if (variable.empty()) continue;
    values[secret.name] = TRY(value_of(context.io, secret.name, variable));
    remove_variable(context.io, variable);
  }
  if (!values.empty()) params["secret_values"] = std::move(values);
  return {};
}

std::vector<std::string> secret_names(const Io& io) {
  std::vector<std::string> names;
  auto config = config_of(io);
  if (!config) return names;
  for (const auto& [name, source] : config->secrets) names.push_back(name);
  return names;
}

}  // namespace banger::roles::cli
