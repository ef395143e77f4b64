// banger vm snapshot restore
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "roles/cli/connect.h"
#include "roles/cli/store_views.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "VM", .help = "a name, id or unique id prefix", .names = Names::vm},
                                       {.name = "SNAPSHOT", .help = "a name or id", .names = Names::snapshot}};
constexpr Option kOptions[] = {
    {.name = "force", .letter = 'f', .help = "also restore a running VM; changes since the snapshot are lost"},
    kJsonOption,
};

Result<int> restore(Context& context) {
  auto& io = context.io;
  const auto& args = context.args;
  auto daemon = TRY(Daemon::connect(io));
  Json params = {{"vm", args.positionals[0]}, {"snapshot", args.positionals[1]}, {"force", args.flag("force")}};
  auto vm = TRY(daemon.call("vm.snapshot.restore", params));
  if (args.flag("json")) {
    io.print(dump_json_pretty(vm) + "\n");
    return exit_status::kOk;
  }
  auto restored = TRY(api::read<api::VmObject>(vm));
  io.print(fmt::format("{}: {}\n", safe_text(restored.name), vm::to_string(restored.state)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSnapshotRestore;
constinit const Command kSnapshotRestore{
    .group = "vm snapshot",
    .name = "restore",
    .summary = "return a VM to one of its snapshots",
    .details =
        "If the snapshot has memory, the VM runs afterwards. Otherwise the VM is stopped. The current content of the "
        "VM's disks is lost.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = restore,
};

}  // namespace banger::roles::cli
