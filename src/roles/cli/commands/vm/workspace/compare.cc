// banger vm workspace compare
#include "roles/cli/workspace/compare.h"

#include <fmt/format.h>

#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};
constexpr Option kOptions[] = {kGuestPathOption, kJsonOption};
constexpr Example kExamples[] = {
    {"banger vm workspace compare try-1 try-2 try-3", "what has changed in each VM"},
    {"banger vm workspace compare try-1 try-2 -- make test", "and whether the tests pass there"},
};

Result<int> compare(Context& context) {
  const auto& args = context.args;
  auto names = each_once(args.positionals);
  if (names.size() > limits::kComparedVms)
    return context.usage(fmt::format("at most {} VMs can be compared at once", limits::kComparedVms));
  std::vector<GuestPlace> places;
  for (const auto& name : names) places.push_back(TRY(GuestPlace::of(args, name)));
  auto candidates = TRY(compare_workspaces(context.io, places, args.words));
  if (args.flag("json"))
    print_json(context.io, json_of(candidates));
  else
    context.io.print(text_of(candidates, colours_of(context)));
  int status = exit_status::kOk;
  for (const auto& candidate : candidates) {
    if (candidate.error.empty()) continue;
    context.io.note(safe_text(candidate.vm + ": " + candidate.error));
    status = exit_status::kFailed;
  }
  return status;
}

}  // namespace

extern const Command kWorkspaceCompare;
constinit const Command kWorkspaceCompare{
    .group = "vm workspace",
    .name = "compare",
    .summary = "compare what several VMs have made of a repository",
    .details =
        "One line for each VM: the files and lines that have changed since the prepare, as 'banger vm workspace diff' "
        "shows them, and the new commits. Words after -- are a command. All VMs run it at the same time, as root, in "
        "the repository. The table has the exit status, and the last line of the output of a command that failed. The "
        "exit status of 'compare' itself is 0 whatever the commands return.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "CMD...",
    .examples = kExamples,
    .handler = compare,
};

}  // namespace banger::roles::cli
