// banger vm workspace export
#include "roles/cli/workspace/export.h"

#include "roles/cli/arguments.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument,
                                       {.name = "CHECKOUT",
                                        .help = "with --apply: a path in the checkout of this host (default: .)",
                                        .names = Names::directory,
                                        .required = false}};
constexpr Option kOptions[] = {
    kGuestPathOption,
    kBaseOption,
    {.name = "output",
     .letter = 'o',
     .kind = Kind::text,
     .value = "FILE",
     .help = "write the patch to this file, or to standard output for -",
     .names = Names::file},
    kOnlyOption,
    {.name = "apply", .help = "apply the patch to a checkout of this host, wholly or not at all"},
};
constexpr Example kExamples[] = {
    {"banger vm workspace export web --output work.patch", "for 'git apply --index work.patch'"},
    {"banger vm workspace export web --apply", "into the checkout around this directory"},
    {"banger vm workspace export web --output - --base-commit HEAD", "what the guest has not committed"},
};

Result<int> export_patch(Context& context) {
  const auto& args = context.args;
  bool apply = args.flag("apply");
  if (!apply && !args.has("output"))
    return context.usage("'vm workspace export' needs --output or --apply", "--output - prints the patch");
  if (!apply && args.positionals.size() > 1)
    return context.usage("a checkout is named only with --apply", "leave it out, or add --apply");
  auto place = TRY(GuestPlace::of(args, args.positionals[0]));
  auto wish = export_wish(args);
  wish.output = args.text("output");
  if (apply) wish.apply_to = args.positionals.size() > 1 ? args.positionals[1] : std::string(".");
  TRY(export_workspace(context.io, place, wish));
  return exit_status::kOk;
}

}  // namespace

extern const Command kWorkspaceExport;
constinit const Command kWorkspaceExport{
    .group = "vm workspace",
    .name = "export",
    .summary = "bring the changes of a repository in a VM back as a patch",
    .details =
        "The patch has everything since the commit that was prepared: the commits of the guest, its changes that are "
        "not committed, and new files that git does not ignore. If the checkout had local changes when it was "
        "prepared, "
        "the patch has these too. 'git apply --index' takes the patch; --apply does that. A checkout with changes of "
        "its own is refused.\n"
        "The host makes the patch itself, from the guest's files. No configuration, hook or filter of the guest has "
        "any effect. The guest needs no git. The patch itself is the guest's work: read it before you run what it "
        "changes.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = export_patch,
};

}  // namespace banger::roles::cli
