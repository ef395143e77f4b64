#include "roles/cli/arguments.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/bounds.h"

namespace banger::roles::cli {

std::string absolute_path(const std::string& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : absolute.string();
}

std::optional<int> add_stop_timeout(Context& context, Json& params) {
  auto timeout = context.args.number("timeout");
  if (!timeout) return std::nullopt;
  if (*timeout > limits::kStopTimeoutMs) return context.usage("--timeout: more than an hour is too long");
  params["timeout_ms"] = *timeout;
  return std::nullopt;
}

std::optional<int> check_vms_or_all(Context& context) {
  const auto& args = context.args;
  if (args.flag("all") != args.positionals.empty()) {
    if (args.flag("all")) return context.usage("--all and VM exclude each other", "see 'banger vm list'");
    return context.usage("'" + full_name(context.command) + "' needs VM or --all", "see 'banger vm list'");
  }
  return std::nullopt;
}

}  // namespace banger::roles::cli
