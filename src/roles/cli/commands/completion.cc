// banger completion: scripts with which a shell calls `banger __complete`. The scripts contain no names of commands, so
// they stay valid after an upgrade.
#include "roles/cli/command.h"
#include "roles/cli/embedded_files.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};

constexpr std::string_view script(std::string_view path) { return find_embedded(kEmbeddedFiles, path)->text; }
constexpr std::string_view kBash = script("share/completions/banger.bash");
constexpr std::string_view kZsh = script("share/completions/_banger");
constexpr std::string_view kFish = script("share/completions/banger.fish");

constexpr Positional kPositionals[] = {
    {.name = "SHELL", .help = "bash, zsh or fish", .names = Names::choice, .choices = kShells}};
constexpr Example kExamples[] = {
    {R"sh(eval "$(banger completion bash)")sh", "in ~/.bashrc"},
    {R"sh(banger completion zsh >"${fpath[1]}/_banger")sh", "once"},
    {"banger completion fish | source", "in config.fish"},
};

Result<int> run(Context& context) {
  const auto& shell = context.args.positionals[0];
  if (shell == "bash")
    context.io.print(kBash);
  else if (shell == "zsh")
    context.io.print(kZsh);
  else
    context.io.print(kFish);
  return exit_status::kOk;
}

}  // namespace

extern const Command kCompletion;
constinit const Command kCompletion{
    .name = "completion",
    .summary = "print a completion script for a shell",
    .details =
        "The script completes commands, options and the names of VMs, images and kernels. Names come from a running "
        "daemon. Completion never starts a daemon.",
    .positionals = kPositionals,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
