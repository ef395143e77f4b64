#include "roles/agent/run_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "base/text.h"
#include "host/files.h"

namespace banger::roles::agent {

namespace {

constexpr std::array kInits = {
    std::pair{InitKind::systemd, std::string_view("systemd")}, std::pair{InitKind::openrc, std::string_view("openrc")},
    std::pair{InitKind::runit, std::string_view("runit")},     std::pair{InitKind::busybox, std::string_view("busybox")},
    std::pair{InitKind::none, std::string_view("none")},
};

constexpr std::size_t kTokenBytes = 16;  // link/link.h

Result<Json> read_config(const std::string& path) {
  auto text = TRY(host::read_file(path, limits::kGuestConfigBytes));
  auto json = TRY(in(path, parse_json(text, limits::kGuestConfigBytes)));
  if (!json.is_object()) return fail(ErrorCode::invalid, fmt::format("{}: expected an object", path));
  return json;
}

Result<Environment> environment_of(const Json& config) {
  Environment environment;
  auto found = config.find("environment");
  if (found == config.end() || found->is_null()) return environment;
  if (!found->is_object()) return fail(ErrorCode::invalid, "field 'environment' must be an object");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return fail(ErrorCode::invalid, fmt::format("environment variable '{}' must be a string", printable(name)));
    environment[name] = value.get<std::string>();
  }
  return environment;
}

}  // namespace

std::string_view to_string(InitKind kind) {
  for (const auto& [value, name] : kInits)
    if (value == kind) return name;
  return "none";
}

InitKind init_kind_from_string(std::string_view name) {
  for (const auto& [value, text] : kInits)
    if (text == name) return value;
  return InitKind::none;
}

Result<AgentConfig> RunDir::load_config() const {
  auto path = path_ + "/config.json";
  auto json = TRY(read_config(path));
  AgentConfig config;
  auto token = TRY(in(path, get_string(json, "link_token")));
  config.link_token = TRY(in(path, from_hex(token)));
  if (config.link_token.size() != kTokenBytes)
    return fail(ErrorCode::invalid, fmt::format("{}: field 'link_token' must be {} bytes as hex", path, kTokenBytes));
  config.environment = TRY(in(path, environment_of(json)));
  return config;
}

Result<> RunDir::save_config(const AgentConfig& config) const {
  auto path = path_ + "/config.json";
  auto json = read_config(path).value_or(Json::object());
  json["link_token"] = to_hex(config.link_token);
  json["environment"] = config.environment;
  return host::write_file(path, dump_json(json), 0600);
}

InitKind RunDir::init_kind() const {
  auto text = host::read_file(path_ + "/init", 64);
  return text ? init_kind_from_string(trim(*text)) : InitKind::none;
}

bool RunDir::system_ready() const { return ::access((path_ + "/system-ready").c_str(), F_OK) == 0; }

Result<> RunDir::mark_system_ready() const {
  TRY(host::open_file(path_ + "/system-ready", O_WRONLY | O_CREAT, 0644));
  return {};
}

}  // namespace banger::roles::agent
