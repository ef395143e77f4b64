#include "host/paths.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/text.h"
#include "base/utf8.h"
#include "host/passwd.h"

namespace banger::host {

namespace {

Result<std::string> base_dir(const GetEnv& env, const std::string& variable, const std::string& fallback) {
  auto value = env(variable);
  if (!value || value->empty()) return fallback + "/banger";
  if (value->front() != '/')
    return fail(ErrorCode::invalid, fmt::format("{} must be an absolute path, not '{}'", variable, printable(*value)));
  return *value + "/banger";
}

}  // namespace

GetEnv process_env() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

std::vector<std::string> process_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable && *variable; ++variable) variables.emplace_back(*variable);
  return variables;
}

Result<Paths> find_paths(const GetEnv& env) {
  auto home = env("HOME");
  if (!home || home->empty())
    if (auto user = find_user(::getuid())) home = user->home;
  if (!home || home->empty() || home->front() != '/')
    return fail(ErrorCode::invalid, "no home directory", "set HOME to an absolute path");
  Paths paths;
  paths.home = *home;
  paths.config_file = TRY(base_dir(env, "XDG_CONFIG_HOME", *home + "/.config")) + "/config.toml";
  paths.state = TRY(base_dir(env, "XDG_STATE_HOME", *home + "/.local/state"));
  paths.data = TRY(base_dir(env, "XDG_DATA_HOME", *home + "/.local/share"));
  paths.cache = TRY(base_dir(env, "XDG_CACHE_HOME", *home + "/.cache"));
  // Records and requests are JSON, and JSON would change other bytes.
  for (const auto& path : {paths.config_file, paths.state, paths.data, paths.cache})
    if (!is_utf8(path))
      return fail(ErrorCode::invalid, fmt::format("the path '{}' is not UTF-8 text", printable(path)),
                  "set HOME or the XDG variables to other directories");
  return paths;
}

}  // namespace banger::host
