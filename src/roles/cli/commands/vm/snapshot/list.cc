// banger vm snapshot list
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/snapshot_text.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Positional kPositionals[] = {{.name = "VM",
                                        .help = "a name, id or unique id prefix (default: of all VMs)",
                                        .names = Names::vm,
                                        .required = false}};
constexpr Option kOptions[] = {
    kIdsOption,
    {.name = "json", .help = "print a JSON array of snapshots"},
};

Table table_of(const api::SnapshotList& list) {
  Table table({"NAME", "ID", "VM", "IMAGE", "HOLDS", "SIZE", "USED BY", "AGE"});
  for (const auto& snapshot : list.snapshots)
    table.add({snapshot.name, snapshot.id, snapshot.vm, snapshot.image, std::string(contents_of(snapshot)),
               format_size(snapshot.size_bytes), join(snapshot.used_by, ", "), age_of(snapshot.created_at)});
  return table;
}

Result<int> list(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  Json params = Json::object();
  if (!context.args.positionals.empty()) params["vm"] = context.args.positionals[0];
  auto list = TRY(daemon.get<api::SnapshotList>("vm.snapshot.list", params));
  print_list(context, list.snapshots, &api::SnapshotObject::id, table_of(list).text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSnapshotList;
constinit const Command kSnapshotList{
    .group = "vm snapshot",
    .name = "list",
    .aliases = kAliases,
    .summary = "list snapshots, also of deleted VMs",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
