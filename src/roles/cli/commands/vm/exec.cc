// banger vm exec
#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    kInteractiveOption,
    kTtyOption,
    {.name = "no-stdin", .letter = 'n', .help = "leave standard input alone, as in a loop that reads it"},
    {.name = "detach", .letter = 'd', .help = "leave the command running, without input and output"},
    kUserOption,
    kWorkdirOption,
    kEnvOption,
    kEnvFileOption,
};
constexpr Example kExamples[] = {
    {"banger vm exec web ls -la", "all words after the VM are the command"},
    {"banger vm exec -it web htop", "on a terminal"},
    {"banger vm exec -d web python3 -m http.server", "goes on in the VM"},
    {"tar c src | banger vm exec web tar x -C /root", "standard input is passed on"},
};

Result<int> exec(Context& context) {
  const auto& args = context.args;
  if (args.flag("no-stdin") && args.flag("interactive"))
    return context.usage("--no-stdin and --interactive exclude each other");
  if (args.flag("detach") && (args.flag("interactive") || args.flag("tty")))
    return context.usage("a command with --detach has no input and no terminal", "leave out -i and -t");
  auto command = TRY(guest_command(context, args.positionals[0]));
  if (args.flag("no-stdin")) command.forward_input = false;
  if (args.flag("detach")) command = detached(std::move(command));
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
        "Options come before the command: all words from the first one after the VM belong to the command. A '--' "
        "before them is allowed.\n"
        "Standard input is passed on when it is not a terminal, or with -i. With -n it is not, so that a 'while read' "
        "loop keeps its lines. Output and errors stay separate, and "
        "signals are passed on. The exit status is that of the command: 126 when the guest cannot execute the command, "
        "127 when it has no such command.\n"
        "A signal ends banger with 128 plus its number in three cases: the command does not run yet, it is the second "
        "signal within two seconds, or the guest does not confirm it within five seconds. If the guest does not start "
        "the command within 30 seconds, banger fails.\n"
        "With --detach banger returns when the command runs. Its output is dropped: redirect it in the guest if you "
        "need it, as in: sh -c 'make >log 2>&1'. The command ends with the VM.\n"
        "Arguments, variables and directories pass as bytes, whatever they are. As in Linux, an argument or a variable "
        "has at most 128 KiB, and all of them have 2 MiB. Pass more on standard input, for example to xargs.\n"
        "A command may use a quarter of the processes that the guest can have. So a command that starts processes "
        "without end does not keep the next command from running.\n"
        "The guest needs neither sshd nor a network.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .words_required = true,
    .words_follow = true,
    .examples = kExamples,
    .handler = exec,
};

}  // namespace banger::roles::cli
