// banger vm snapshot create
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"
#include "roles/cli/snapshot_text.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    {.name = "name", .kind = Kind::text, .value = "NAME", .help = "the snapshot's name (default: banger makes one up)"},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {{"banger vm snapshot create web --name before-upgrade", "to return to later"}};

Result<int> create(Context& context) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  Json params = {{"vm", context.args.positionals[0]}};
  if (auto name = context.args.text("name")) params["name"] = *name;
  auto snapshot = TRY(daemon.get<api::SnapshotObject>("vm.snapshot.create", params));
  print_new(context, snapshot, snapshot.id,
            fmt::format("{}: {} of VM {}, {}", snapshot.name, contents_of(snapshot), snapshot.vm,
                        format_size(snapshot.size_bytes)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSnapshotCreate;
constinit const Command kSnapshotCreate{
    .group = "vm snapshot",
    .name = "create",
    .summary = "save the current state of a VM; the VM goes on",
    .details =
        "A snapshot of a running or suspended VM has its memory and its disks. A snapshot of a stopped VM has its "
        "disks. "
        "'banger vm snapshot restore' returns the VM to the snapshot, and 'banger vm create --from' makes another VM "
        "from it.\n"
        "All VMs from one snapshot with memory begin equal in what their processes have in memory: seeded random "
        "generators, session keys, and the kernel's boot_id. A running VM stands still while its disks are copied.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = create,
};

}  // namespace banger::roles::cli
