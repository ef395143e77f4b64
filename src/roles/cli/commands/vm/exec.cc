// banger vm exec
#include "roles/cli/guest_command.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "VM", .help = "a name, id or unique id prefix", .names = Names::vm}};
constexpr Option kOptions[] = {kInteractiveOption, kTtyOption, kUserOption, kWorkdirOption, kEnvOption};
constexpr Example kExamples[] = {
    {"banger vm exec web -- systemctl status", ""},
    {"banger vm exec -it web -- htop", "on a terminal"},
    {"tar c src | banger vm exec web -- tar x -C /root", "standard input passes through"},
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
        "Standard input is passed on when it is not a terminal, or with -i. Output and errors stay apart, signals are "
        "passed on, and the command's status becomes ours: 126 when it cannot be executed, 127 when there is none. "
        "A signal ends us with 128 and its number when the command does not run yet, when it is the second one within "
        "two seconds, or when the guest does not take it within five. A guest that does not start the command within "
        "30 seconds is an error. It needs neither sshd nor a network in the guest.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .words_required = true,
    .examples = kExamples,
    .handler = exec,
};

}  // namespace banger::roles::cli
