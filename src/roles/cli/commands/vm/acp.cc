// banger vm acp: an editor starts this command as its agent, and the agent runs in a VM.
#include <fmt/format.h>

#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    {.name = "cwd",
     .kind = Kind::text,
     .value = "DIR",
     .help = "run the agent in this directory, like /root/repo (default: the image's choice, or the user's home)"},
    kUserOption,
    kEnvOption,
    kEnvFileOption,
};
constexpr Example kExamples[] = {
    {"banger vm acp web --cwd /root/repo", "the first known agent that the VM has"},
    {"banger vm acp web -- gemini --experimental-acp", "this agent"},
};

struct Agent {
  std::string_view program, argument = {};
};
/// In the order of preference. An adapter comes before agents that only know the protocol with an option.
constexpr Agent kAgents[] = {{"claude-agent-acp"}, {"claude-code-acp"}, {"codex-acp"}, {"gemini", "--experimental-acp"},
                             {"opencode", "acp"},  {"goose", "acp"}};

std::string line_of(const Agent& agent) {
  return agent.argument.empty() ? std::string(agent.program) : fmt::format("{} {}", agent.program, agent.argument);
}

// Agents are often installed below the home directory, where only a profile of the shell finds them. What a profile
// prints or reads must not get into the protocol.
std::string find_and_run() {
  std::string script;
  for (auto profile : {"/etc/profile", "$HOME/.profile"})
    script += fmt::format("[ -r \"{0}\" ] && . \"{0}\" </dev/null >/dev/null 2>&1\n", profile);
  std::vector<std::string> names;
  for (const auto& agent : kAgents) {
    script += fmt::format("command -v {} >/dev/null 2>&1 && exec {}\n", agent.program, line_of(agent));
    names.push_back(line_of(agent));
  }
  return script + fmt::format(
                      "echo 'banger: the VM has no known ACP agent; looked for {} "
                      "(hint: name one, as in: banger vm acp VM -- CMD)' >&2\nexit 127\n",
                      join(names, ", "));
}

Result<int> acp(Context& context) {
  auto& args = context.args;
  if (args.words.empty()) args.words = {"/bin/sh", "-c", find_and_run()};
  auto command = TRY(guest_command(context, args.positionals[0]));
  command.spec.cwd = args.text("cwd").value_or("");
  command.forward_input = true;
  auto daemon = TRY(Daemon::connect(context.io));
  return run_in_guest(context.io, daemon, command);
}

}  // namespace

extern const Command kVmAcp;
constinit const Command kVmAcp{
    .group = "vm",
    .name = "acp",
    .summary = "connect an editor to a coding agent in a VM (Agent Client Protocol)",
    .details =
        "Runs the agent without a terminal. Standard input and output are the agent's, byte for byte, and its errors "
        "go "
        "to standard error. So an editor that starts agents as programs can start this command.\n"
        "Without a command, the first of these that the VM has is run: claude-agent-acp, claude-code-acp, codex-acp, "
        "gemini --experimental-acp, opencode acp, goose acp. They are looked for in the PATH of the user's profile. A "
        "command that is given runs as with 'banger vm exec'.\n"
        "A suspended VM is resumed first. The exit status is that of the agent, and 127 when there is none.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .examples = kExamples,
    .handler = acp,
};

}  // namespace banger::roles::cli
