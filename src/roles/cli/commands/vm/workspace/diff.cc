// banger vm workspace diff
#include "roles/cli/arguments.h"
#include "roles/cli/workspace/export.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    kGuestPathOption,
    kBaseOption,
    kOnlyOption,
    {.name = "stat", .help = "print one line for each file, with the number of its changed lines"},
    {.name = "name-only", .help = "print only the names of the changed files"},
};
constexpr Example kExamples[] = {
    {"banger vm workspace diff web", "everything since the commit that was prepared"},
    {"banger vm workspace diff web --stat", "an overview"},
    {"banger vm workspace diff web --base-commit HEAD", "what the guest has not committed"},
};

Result<int> diff(Context& context) {
  const auto& args = context.args;
  if (args.flag("stat") && args.flag("name-only"))
    return context.usage("--stat and --name-only exclude each other", "choose one of them");
  auto place = TRY(GuestPlace::of(args, args.positionals[0]));
  auto wish = export_wish(args);
  wish.output = "-";
  if (args.flag("stat")) wish.patch.form = workspace::Form::stat;
  if (args.flag("name-only")) wish.patch.form = workspace::Form::names;
  TRY(export_workspace(context.io, place, wish));
  return exit_status::kOk;
}

}  // namespace

extern const Command kWorkspaceDiff;
constinit const Command kWorkspaceDiff{
    .group = "vm workspace",
    .name = "diff",
    .summary = "show what has changed in a repository in a VM",
    .details =
        "The output is what 'banger vm workspace export' writes: commits of the guest, changes that are not committed, "
        "and new files that git does not ignore. The host compares the files itself, so the guest needs no git. A "
        "terminal gets no control characters of the guest.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = diff,
};

}  // namespace banger::roles::cli
