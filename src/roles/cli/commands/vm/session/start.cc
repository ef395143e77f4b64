// banger vm session start
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"
#include "roles/cli/output.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kInputs[] = {"pipe", "pty", "none"};
constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    {.name = "name", .kind = Kind::text, .value = "NAME", .help = "the session's name (default: banger makes one up)"},
    {.name = "stdin-mode",
     .kind = Kind::text,
     .value = "MODE",
     .help = "the standard input: a pipe (default), a terminal or none",
     .names = Names::choice,
     .choices = kInputs},
    {.name = "require-command",
     .kind = Kind::text,
     .value = "NAME",
     .help = "fail unless the guest has this command; may be repeated"},
    {.name = "cwd",
     .letter = 'w',
     .kind = Kind::text,
     .value = "DIR",
     .help = "run in this directory, which must exist (default: the image's choice, or the user's home)"},
    kUserOption,
    kEnvOption,
    kEnvFileOption,
    {.name = "attach", .letter = 'a', .help = "attach to the session at once; implies --stdin-mode pty on a terminal"},
    kDetachKeysOption,
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger vm session start web --name build -- make -j4", "goes on when this command ends"},
    {"banger vm session start web --name top --stdin-mode pty --attach -- htop", "leave it with ctrl-p ctrl-q"},
    {"banger vm session start web --cwd /root/repo --require-command git -- ./agent", "checked in the guest first"},
};

Result<int> start(Context& context) {
  const auto& args = context.args;
  bool attach = args.flag("attach");
  if (attach && (args.flag("json") || args.flag("quiet")))
    return context.usage("--attach prints what the session prints", "leave out --json and --quiet");
  Json params = TRY(start_params(context, args.positionals[0]));
  if (auto name = args.text("name")) params["name"] = *name;
  if (args.has("require-command")) params["require"] = args.all("require-command");
  auto mode = args.text("stdin-mode").value_or(attach && ::isatty(context.io.in) ? "pty" : "pipe");
  if (mode == "pty") add_terminal(context, params);
  params["stdin_mode"] = mode;
  auto daemon = TRY(Daemon::connect(context.io));
  auto session = TRY(daemon.get<api::SessionObject>("vm.session.start", params));
  if (!attach) {
    print_new(context, session, session.id, session_line(session));
    return exit_status::kOk;
  }
  auto keys = args.text("detach-keys").value_or(std::string(kDetachKeysDefault));
  return attach_to_session(context, daemon,
                           {.vm = args.positionals[0], .session = session.id, .detach_keys = std::move(keys)});
}

}  // namespace

extern const Command kSessionStart;
constinit const Command kSessionStart{
    .group = "vm session",
    .name = "start",
    .summary = "start a command that outlives its clients",
    .details =
        "The session goes on when this command, a terminal or the daemon ends, and when the VM is suspended. A fork of "
        "the VM has its sessions too. Everything that the command prints is kept in the guest, at most 16M; then the "
        "oldest goes.\n"
        "The directory and the commands of --require-command are looked up in the guest first. A session that cannot "
        "start is kept in 'banger vm session list' with the reason. Arguments and variables together have at most 1M.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .words_required = true,
    .words_follow = true,
    .examples = kExamples,
    .handler = start,
};

}  // namespace banger::roles::cli
