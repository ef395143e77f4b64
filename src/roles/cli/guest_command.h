// Running a command or a shell in a VM on our standard streams; what exec, shell and run have in common.
#pragma once

#include <optional>

#include "link/exec_frames.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

struct GuestCommand {
  std::string vm;
  link::ExecSpec spec;
  bool forward_input = false;
};

/// The options exec and run share.
inline constexpr Option kUserOption{.name = "user",
                                    .letter = 'u',
                                    .kind = Kind::text,
                                    .value = "USER[:GROUP]",
                                    .help = "run as this user (default: root)"};
inline constexpr Option kWorkdirOption{.name = "workdir",
                                       .letter = 'w',
                                       .kind = Kind::text,
                                       .value = "DIR",
                                       .help = "in this directory (default: the user's home)"};
inline constexpr Option kEnvOption{.name = "env",
                                   .letter = 'e',
                                   .kind = Kind::pair,
                                   .value = "KEY=VALUE",
                                   .help = "add to the environment; KEY alone takes ours; may be repeated"};
inline constexpr Option kInteractiveOption{
    .name = "interactive", .letter = 'i', .help = "pass on standard input even when it is a terminal"};
inline constexpr Option kTtyOption{.name = "tty", .letter = 't', .help = "give the command a terminal"};

/// `--env`, with KEY alone filled in from our environment.
std::map<std::string, std::string> guest_environment(const Context& context);

/// From those options and the words after `--`. Input is forwarded with -i, or when it is no terminal. KEY without a
/// value takes ours. Without words: the user's login shell, on a terminal if we are on one.
Result<GuestCommand> guest_command(const Context& context, std::string vm);

/// Ends with the command's own status; says why one could not run. The daemon's connection is used up.
Result<int> run_in_guest(Io& io, Daemon& daemon, const GuestCommand& command);

}  // namespace banger::roles::cli
