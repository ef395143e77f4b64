// banger vm exec
#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {kInteractiveOption, kTtyOption, kUserOption, kWorkdirOption, kEnvOption};
constexpr Example kExamples[] = {
    {"banger vm exec web -- systemctl status", ""},
    {"banger vm exec -it web -- htop", "on a terminal"},
    {"tar c src | banger vm exec web -- tar x -C /root", "standard input is passed on"},
};

Result<int> exec(Context& context) {
  auto command = TRY(guest_command(context, context.args.positionals[0]));
  auto daemon = TRY(Daemon::connect(context.io));
  return run_in_guest(context.io, daemon, command);
}

}  // namespace

extern const Command kVmExec;
constinit const Command kVmExec{
    .group = "vm",
    .name = "exec",
    .summary = "run a command in a running VM",
    .details =
        "Standard input is passed on when it is not a terminal, or with -i. Output and errors stay separate, and "
        "signals are passed on. The exit status is that of the command: 126 when the guest cannot execute the command, "
        "127 when it has no such command.\n"
        "A signal ends banger with 128 plus its number in three cases: the command does not run yet, it is the second "
        "signal within two seconds, or the guest does not confirm it within five seconds. If the guest does not start "
        "the command within 30 seconds, banger fails.\n"
        "Arguments, variables and directories pass as bytes, whatever they are. As in Linux, an argument or a variable "
        "has at most 128 KiB, and all of them have 2 MiB. Pass more on standard input, for example to xargs.\n"
        "A command may use a quarter of the processes that the guest can have. So a command that starts processes "
        "without end does not keep the next command from running.\n"
        "The guest needs neither sshd nor a network.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .words_required = true,
    .examples = kExamples,
    .handler = exec,
};

}  // namespace banger::roles::cli
