// banger vm rename
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/pending_changes.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument, {.name = "NAME", .help = "the new name"}};
constexpr Option kOptions[] = {kJsonOption};

Result<int> rename(Context& context) {
  const auto& args = context.args;
  auto daemon = TRY(Daemon::connect(context.io));
  auto vm = TRY(daemon.get<api::VmObject>("vm.set", {{"vm", args.positionals[0]}, {"name", args.positionals[1]}}));
  print_new(context, vm, vm.id, fmt::format("{}: renamed to {}{}", args.positionals[0], vm.name, pending_changes(vm)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmRename;
constinit const Command kVmRename{
    .group = "vm",
    .name = "rename",
    .summary = "give a VM another name",
    .details = "The guest of a running VM keeps its host name until the next start.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = rename,
};

}  // namespace banger::roles::cli
