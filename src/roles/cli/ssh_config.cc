#include "roles/cli/ssh_config.h"

#include <fmt/format.h>

#include "base/text.h"
#include "capabilities/ssh/known_hosts.h"
#include "capabilities/ssh/owner_key.h"
#include "config/config.h"
#include "host/files.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

namespace {

/// ssh expands '%', '$' and wildcards in paths, and has no way to write a quote that all its versions understand.
Result<> check_path(const std::string& path) {
  bool odd = path.find_first_of("\"\\%$*?[]") != path.npos;
  for (unsigned char c : path) odd = odd || c < 0x20 || c == 0x7f;
  if (!odd) return {};
  return fail(ErrorCode::invalid, fmt::format("the path '{}' cannot stand in a file of ssh", printable(path)),
              "use a directory without quotes, wildcards and the like; the XDG variables move banger's files");
}

}  // namespace

// The shell reads the command, so the host is quoted. ssh itself refuses hosts with quotes, and other odd ones.
Result<std::string> ssh_config_text(const SshSettings& settings) {
  for (const auto* path : {&settings.identity, &settings.known_hosts, &settings.program}) TRY(check_path(*path));
  std::string command = settings.variables.empty() ? "" : "env ";
  for (const auto& [name, value] : settings.variables) {
    TRY(check_path(value));
    command += fmt::format("{}={} ", name, shell_quote(value));
  }
  return fmt::format(
      "# banger writes this file, and writes it again after every change.\n"
      "Host *.vm\n"
      "    User root\n"
      "    IdentityFile \"{}\"\n"
      "    IdentitiesOnly yes\n"
      "    UserKnownHostsFile \"{}\"\n"
      "    GlobalKnownHostsFile /dev/null\n"
      "    StrictHostKeyChecking yes\n"
      "    UpdateHostKeys no\n"
      "    ProxyCommand {}{} vm tunnel --ssh '%h' %p\n",
      settings.identity, settings.known_hosts, command, shell_quote(settings.program));
}

Result<SshConfig> ssh_config(const Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto config = TRY(config::load_config(paths.config_file));
  SshSettings settings{.identity = TRY(capabilities::owner_key(paths, config)).private_path,
                       .known_hosts = capabilities::known_hosts_path(paths),
                       .program = io.daemon_command.front(),
                       .variables = {}};
  for (const char* name : {"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"})
    if (auto value = io.env(name); value && !value->empty()) settings.variables.emplace_back(name, *value);
  auto path = paths.ssh() + "/config";
  TRY(check_path(path));
  return SshConfig{std::move(path), TRY(ssh_config_text(settings))};
}

Result<> write_ssh_config(const Io& io, const SshConfig& config) {
  auto there = host::read_regular_file(config.path, limits::kSshConfigBytes);
  if (there && *there == config.text) return {};
  auto paths = TRY(host::find_paths(io.env));
  TRY(host::make_private_directory(paths.state));
  TRY(host::make_private_directory(paths.ssh()));
  return host::write_file(config.path, config.text);
}

}  // namespace banger::roles::cli
