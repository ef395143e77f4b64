// banger vm session attach
#include "roles/cli/arguments.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument, kLiveSessionArgument};
constexpr Option kOptions[] = {
    {.name = "steal", .help = "take the session over from another client, which then ends"},
    {.name = "read-only", .help = "only watch; any number of clients may"},
    kDetachKeysOption,
};
constexpr Example kExamples[] = {
    {"banger vm session attach web build", "ctrl-p ctrl-q leaves it running"},
    {"banger vm session attach --read-only web build", "while another client writes"},
};

Result<int> attach(Context& context) {
  const auto& args = context.args;
  if (args.flag("steal") && args.flag("read-only"))
    return context.usage("--steal and --read-only exclude each other", "a client that only reads disturbs nobody");
  auto daemon = TRY(Daemon::connect(context.io));
  return attach_to_session(context, daemon,
                           {.vm = args.positionals[0],
                            .session = args.positionals[1],
                            .read_only = args.flag("read-only"),
                            .steal = args.flag("steal"),
                            .detach_keys = args.text("detach-keys").value_or(std::string(kDetachKeysDefault))});
}

}  // namespace

extern const Command kSessionAttach;
constinit const Command kSessionAttach{
    .group = "vm session",
    .name = "attach",
    .summary = "connect the terminal to a running session",
    .details =
        "The end of what the session has printed comes first, then what is new. One client at a time may write. The "
        "session goes on when the client detaches, is interrupted or loses its connection. The exit status is that of "
        "the session's command, or 0 after the detach keys.\n"
        "On a terminal, all keys but the detach keys go to a session with a terminal. The end of a file or a pipe on "
        "standard input does not end the session's input; 'banger vm session send --close' does.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = attach,
};

}  // namespace banger::roles::cli
