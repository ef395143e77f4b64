#include "roles/cli/workspace/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kFiles[] = {"mise.toml", ".mise.toml", ".tool-versions"};
constexpr const char* kSession = "mise";
// The installer of mise puts it into ~/.local/bin, and a profile may lack that directory.
constexpr const char* kLookFor = "PATH=$PATH:$HOME/.local/bin; command -v mise >/dev/null";
// The owner has given this repository to the guest. Without trust, mise would ask.
constexpr const char* kInstall =
    "PATH=$PATH:$HOME/.local/bin; mise trust --yes >/dev/null 2>&1; exec mise install --yes";

std::vector<std::string> login_shell(const char* script) { return {"/bin/sh", "-lc", script}; }

Result<> start_session(Io& io, const GuestPlace& place) {
  auto daemon = TRY(Daemon::connect(io));
  Json params = {{"vm", place.vm}, {"name", kSession},     {"argv", login_shell(kInstall)},
                 {"user", "root"}, {"stdin_mode", "none"}, {"cwd", to_byte_string(place.path)}};
  TRY(daemon.call("vm.session.start", params));
  return {};
}

}  // namespace

std::string_view tools_file(std::span<const std::string> paths) {
  for (auto name : kFiles)
    if (std::ranges::find(paths, name) != paths.end()) return name;
  return {};
}

void start_tools(Io& io, const GuestPlace& place, std::span<const std::string> sent) {
  auto file = tools_file(sent);
  if (file.empty()) return;
  auto has_mise = run_quietly(io, place.vm, "/", login_shell(kLookFor));
  if (!has_mise || *has_mise != 0) return;
  auto started = start_session(io, place);
  if (started)
    io.note(fmt::format("mise installs the tools of {} in the background (banger vm session logs {} {})", file,
                        safe_text(place.vm), kSession));
  else if (started.error().code == ErrorCode::exists)
    io.note("mise is still installing the tools of an earlier version");
  else
    io.note(safe_text(fmt::format("the tools of {} are not installed: {}", file, started.error().sentence())));
}

}  // namespace banger::roles::cli
