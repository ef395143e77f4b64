// banger vm workspace status
#include "roles/cli/workspace/status.h"

#include "roles/cli/arguments.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    kVmArgument,
    {.name = "PATH", .help = "a path in the checkout (default: .)", .names = Names::directory, .required = false}};
constexpr Option kOptions[] = {kGuestPathOption, kJsonOption};
constexpr Example kExamples[] = {
    {"banger vm workspace status web", "a guest beside the checkout around this directory"},
    {"banger vm workspace status web --json", "the same, with the names of all files"},
};

Result<int> status(Context& context) {
  const auto& args = context.args;
  auto place = TRY(GuestPlace::of(args, args.positionals[0]));
  auto path = args.positionals.size() > 1 ? args.positionals[1] : std::string(".");
  auto found = TRY(find_status(context.io, place, path));
  if (args.flag("json"))
    print_json(context.io, json_of(found, place));
  else
    context.io.print(text_of(found, place));
  return exit_status::kOk;
}

}  // namespace

extern const Command kWorkspaceStatus;
constinit const Command kWorkspaceStatus{
    .group = "vm workspace",
    .name = "status",
    .summary = "tell whether a guest and a checkout have moved apart",
    .details =
        "Both sides are compared with the last prepare: the branch, new commits, and the files that have changed. A "
        "file that has changed on both sides, and differently, is a conflict. The last line is the next step. Files "
        "of the guest that git ignores do not count, and neither do untracked files of the host that were not "
        "prepared. Nothing is changed on either side.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = status,
};

}  // namespace banger::roles::cli
