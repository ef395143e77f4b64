// banger __complete: the completion scripts of shells call this command. It prints one candidate a line,
// `word<TAB>about`. The lines `:files` and `:directories` ask the shell to add file names.
#include "roles/cli/complete.h"

namespace banger::roles::cli {

namespace {

Result<int> run(Context& context) {
  auto completion = complete(context.args.words, names_from_daemon(context.io));
  std::string text;
  for (const auto& candidate : completion.candidates) {
    auto about = candidate.about.empty() ? "" : "\t" + candidate.about;
    text += candidate.word + about + "\n";
  }
  if (completion.files) text += ":files\n";
  if (completion.directories) text += ":directories\n";
  context.io.print(text);
  return exit_status::kOk;
}

}  // namespace

extern const Command kComplete;
constinit const Command kComplete{
    .name = "__complete",
    .summary = "list what may come next on a command line",
    .words = "WORD...",
    .hidden = true,
    .handler = run,
};

}  // namespace banger::roles::cli
