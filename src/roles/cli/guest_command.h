// Runs a command or a shell in a VM on the standard streams of this process. `exec`, `shell` and `run` use this code.
#pragma once

#include <optional>

#include "link/exec_spec.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

struct GuestCommand {
  std::string vm;
  link::ExecSpec spec;
  bool forward_input = false;
  bool shell = false;  ///< the user's login shell
};

/// The options that `exec` and `run` share.
inline constexpr Option kUserOption{.name = "user",
                                    .letter = 'u',
                                    .kind = Kind::text,
                                    .value = "USER[:GROUP]",
                                    .help = "run as this user (default: the image's choice, or root)"};
inline constexpr Option kWorkdirOption{
    .name = "workdir",
    .letter = 'w',
    .kind = Kind::text,
    .value = "DIR",
    .help = "run in this directory (default: the image's choice, or the user's home)"};
inline constexpr Option kEnvOption{
    .name = "env",
    .letter = 'e',
    .kind = Kind::pair,
    .value = "KEY=VALUE",
    .help = "add to the environment; KEY alone passes on the value of this shell; may be repeated"};
inline constexpr Option kEnvFileOption{
    .name = "env-file",
    .kind = Kind::text,
    .value = "FILE",
    .help = "add the variables of a file with lines like KEY=VALUE or KEY; may be repeated, and --env wins",
    .names = Names::file};
inline constexpr Option kInteractiveOption{
    .name = "interactive", .letter = 'i', .help = "pass on standard input even if it is a terminal"};
inline constexpr Option kTtyOption{.name = "tty", .letter = 't', .help = "give the command a terminal"};

/// The variables of `--env-file`, and those of `--env`, which win. The value of a KEY alone comes from this process's
/// environment.
Result<std::map<std::string, std::string>> guest_environment(const Context& context);
/// The same for a new VM, whose variables reach other programs of the guest too. `invalid` for a variable that no VM
/// can have. Prints a note for each one that some programs do not get.
Result<std::map<std::string, std::string>> vm_environment(const Context& context);

/// The command of these options and of Args::words. Standard input is passed on with -i, or when it is not a
/// terminal. Without words, the command is the user's login shell, on a terminal if standard input is one. With
/// MainCommand::yes the image's main command runs instead, and the words replace its last words.
Result<GuestCommand> guest_command(const Context& context, std::string vm,
                                   link::MainCommand main = link::MainCommand::no);

/// The same command, left to itself: it gets no input, its output is dropped, and it goes on when its client ends.
GuestCommand detached(GuestCommand command);

/// Runs the command and returns its status. Prints why a command could not run. `daemon` can make no calls afterwards.
Result<int> run_in_guest(Io& io, Daemon& daemon, const GuestCommand& command);

}  // namespace banger::roles::cli
