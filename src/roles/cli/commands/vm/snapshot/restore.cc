// banger vm snapshot restore
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument,
                                       {.name = "SNAPSHOT", .help = "a name or id", .names = Names::snapshot}};
constexpr Option kOptions[] = {
    {.name = "force", .letter = 'f', .help = "also restore a running or suspended VM; what it has in memory is lost"},
    kJsonOption,
};

Result<int> restore(Context& context) {
  const auto& args = context.args;
  auto daemon = TRY(Daemon::connect(context.io));
  Json params = {{"vm", args.positionals[0]}, {"snapshot", args.positionals[1]}, {"force", args.flag("force")}};
  auto vm = TRY(daemon.get<api::VmObject>("vm.snapshot.restore", params));
  print_new(context, vm, vm.id, fmt::format("{}: {}", vm.name, vm::to_string(vm.state)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSnapshotRestore;
constinit const Command kSnapshotRestore{
    .group = "vm snapshot",
    .name = "restore",
    .summary = "return a VM to one of its snapshots",
    .details =
        "If the snapshot has memory, the VM runs afterwards. Otherwise the VM is stopped. The present content of the "
        "VM's disks is lost; 'banger vm snapshot create' keeps it first. A restore that fails, or that is interrupted, "
        "leaves the VM either as it was or restored. For a snapshot of another VM, use 'banger vm create --from'.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = restore,
};

}  // namespace banger::roles::cli
