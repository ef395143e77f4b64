// banger help
#include "roles/cli/help.h"

#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/defaults.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "COMMAND",
                                        .help = "the command, as in: banger help vm run",
                                        .names = Names::command,
                                        .required = false,
                                        .repeated = true}};

Result<int> run(Context& context) {
  auto& io = context.io;
  const auto& words = context.args.positionals;
  auto width = help_width(io);
  if (words.empty()) {
    io.print(top_help(width));
    return exit_status::kOk;
  }
  auto path = find_group_path(words);
  if (path.words == words.size()) {
    io.print(group_help(*path.group, width));
    return exit_status::kOk;
  }
  const Command* command = find_command(path.name(), words[path.words]);
  if (!command)
    return context.usage("there is no command '" + printable(join(words, " ")) + "'",
                         did_you_mean(words.back(), command_names(path.name())));
  io.print(command_help(*command, resolve_defaults(io), width));
  return exit_status::kOk;
}

}  // namespace

extern const Command kHelp;
constinit const Command kHelp{
    .name = "help",
    .summary = "show the help of a command",
    .positionals = kPositionals,
    .handler = run,
};

}  // namespace banger::roles::cli
