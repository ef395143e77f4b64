// What the commands about sessions share: their arguments, and the terminal of an attached client.
#pragma once

#include <optional>
#include <string>

#include "api/objects/session.h"
#include "base/json.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

inline constexpr Positional kSessionArgument{.name = "SESSION", .help = "a name or an id", .names = Names::session};
inline constexpr Positional kLiveSessionArgument{
    .name = "SESSION", .help = "a name or an id", .names = Names::live_session};
inline constexpr Option kDetachKeysOption{.name = "detach-keys",
                                          .kind = Kind::text,
                                          .value = "KEYS",
                                          .help = "the keys that leave the session (default: ctrl-p,ctrl-q)"};
inline constexpr std::string_view kDetachKeysDefault = "ctrl-p,ctrl-q";

/// {"vm", "session"} from the first two positionals.
Json session_params(const Context& context);

/// The parameters of vm.session.start that the options --user, --cwd, --workdir and --env and the command's words name.
/// `unsupported` for text that is not UTF-8.
Result<Json> start_params(const Context& context, const std::string& vm);
/// Adds the size of this process's terminal and its TERM.
void add_terminal(const Context& context, Json& params);

/// "web: running", "web: exited with 1", "web: failed: no such command".
std::string session_line(const api::SessionObject& session);
/// "running", "exited 0", "killed by SIGTERM", "failed", "lost".
std::string session_state(const api::SessionObject& session);

struct AttachRequest {
  std::string vm, session;
  bool read_only = false, steal = false;
  std::string detach_keys{kDetachKeysDefault};
};
/// Attaches the standard streams to a session until it ends (its status), or until the user detaches (0). Prints which
/// of them it was. `daemon` can make no calls afterwards.
Result<int> attach_to_session(Context& context, Daemon& daemon, const AttachRequest& request);

}  // namespace banger::roles::cli
