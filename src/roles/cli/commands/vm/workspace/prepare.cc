// banger vm workspace prepare
#include "roles/cli/workspace/prepare.h"

#include "roles/cli/arguments.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    kVmArgument,
    {.name = "PATH", .help = "a path in the checkout (default: .)", .names = Names::directory, .required = false}};
constexpr Option kOptions[] = {
    kGuestPathOption, kBranchOption, kFromOption, kModeOption, kUntrackedOption, kReadOnlyOption, kDryRunOption,
};
constexpr Example kExamples[] = {
    {"banger vm workspace prepare web", "the checkout around this directory"},
    {"banger vm workspace prepare web ~/src/app --branch try --from main", "a new branch, without local changes"},
    {"banger vm workspace prepare web --dry-run", "the files that would travel"},
};

Result<int> prepare(Context& context) {
  const auto& args = context.args;
  if (args.has("from") && !args.has("branch"))
    return context.usage("--from needs --branch", "name the branch that begins there");
  auto place = TRY(GuestPlace::of(args, args.positionals[0]));
  auto path = args.positionals.size() > 1 ? args.positionals[1] : std::string(".");
  if (args.flag("dry-run")) {
    auto departure = TRY(Departure::find(context.io, path, workspace_wish(args)));
    context.io.print(departure.text());
    return exit_status::kOk;
  }
  std::optional<EarlyReport> report;
  auto look = [&] { report.emplace(context.io, place); };
  auto departure = TRY(Departure::find(context.io, path, workspace_wish(args), look));
  auto access = args.flag("readonly") ? Access::read_only : Access::writable;
  TRY(prepare_workspace(context.io, departure, place, *report, access));
  return exit_status::kOk;
}

}  // namespace

extern const Command kWorkspacePrepare;
constinit const Command kWorkspacePrepare{
    .group = "vm workspace",
    .name = "prepare",
    .summary = "bring a git checkout of this host into a VM",
    .details =
        "The guest gets a git checkout of its own: the branch, its latest 50 commits, your name and the URL of the "
        "origin, without its password. Tracked files travel as they are now, with local changes and deletions. Ignored "
        "files never travel, and hooks and other configuration stay here. Nothing of the checkout here is changed.\n"
        "A second prepare sends what has changed since the first. If it would overwrite work of the guest, it does "
        "nothing and names that work. --readonly guards the files against mistakes with a mount; root in the guest "
        "can undo it.\n"
        "Files of Git LFS travel as pointers. Submodules need --mode full_copy. A partial clone travels with what it "
        "has; "
        "nothing is fetched.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = prepare,
};

}  // namespace banger::roles::cli
