#include "guestcfg/run_config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "guestcfg/bounds.h"

namespace banger::guestcfg {

namespace {

/// Adds up what the texts of a config need, so that no config exceeds what manifests and requests can hold.
class Budget {
 public:
  Result<> take(std::string_view key, std::string_view text) {
    if (text.contains('\0')) return fail(ErrorCode::invalid, fmt::format("field '{}' has a NUL byte", key));
    used_ += text.size() + 1;
    if (used_ <= limits::kRunConfigBytes) return {};
    return fail(ErrorCode::invalid,
                fmt::format("the image's configuration is over the limit of {}", format_size(limits::kRunConfigBytes)));
  }

 private:
  std::size_t used_ = 0;
};

Result<std::vector<std::string>> texts(const Json& json, std::string_view key, Budget& budget) {
  const Json* found = find_field(json, key);
  if (found && found->size() > limits::kGuestConfigItems)
    return fail(ErrorCode::invalid, fmt::format("field '{}' has more than {} items", key, limits::kGuestConfigItems));
  auto list = TRY(find_strings(json, key));
  for (const auto& item : list) TRY(budget.take(key, item));
  return list;
}

Result<std::string> text(const Json& json, std::string_view key, Budget& budget) {
  auto value = TRY(find_string(json, key)).value_or("");
  TRY(budget.take(key, value));
  return value;
}

}  // namespace

Result<RunConfig> run_config_from_json(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::invalid, "the image's configuration must be an object");
  Budget budget;
  RunConfig config;
  config.env = TRY(texts(json, "Env", budget));
  config.entrypoint = TRY(texts(json, "Entrypoint", budget));
  config.cmd = TRY(texts(json, "Cmd", budget));
  config.working_dir = TRY(text(json, "WorkingDir", budget));
  config.user = TRY(text(json, "User", budget));
  config.stop_signal = TRY(text(json, "StopSignal", budget));
  return config;
}

Json to_json(const RunConfig& config) {
  Json json = Json::object();
  if (!config.env.empty()) json["Env"] = config.env;
  if (!config.entrypoint.empty()) json["Entrypoint"] = config.entrypoint;
  if (!config.cmd.empty()) json["Cmd"] = config.cmd;
  if (!config.working_dir.empty()) json["WorkingDir"] = config.working_dir;
  if (!config.user.empty()) json["User"] = config.user;
  if (!config.stop_signal.empty()) json["StopSignal"] = config.stop_signal;
  return json;
}

Result<RunConfig> parse_run_config(std::string_view text) {
  auto json = TRY(parse_json(text, limits::kImageConfigBytes));
  const Json* inner = find_field(json, "config");
  return run_config_from_json(inner ? *inner : json);
}

std::map<std::string, std::string> variables(const RunConfig& config) {
  std::map<std::string, std::string> values;
  for (std::string_view entry : config.env) {
    auto equals = entry.find('=');
    if (equals == entry.npos || equals == 0) continue;
    values.insert_or_assign(std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1)));
  }
  return values;
}

}  // namespace banger::guestcfg
