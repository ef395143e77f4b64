// banger vm snapshot list
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/store_views.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Positional kPositionals[] = {{.name = "VM",
                                        .help = "a name, id or unique id prefix (default: of all VMs)",
                                        .names = Names::vm,
                                        .required = false}};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only ids"},
    {.name = "json", .help = "print a JSON array of snapshots"},
};

Table table_of(const api::SnapshotList& list) {
  Table table({"NAME", "ID", "VM", "IMAGE", "HOLDS", "SIZE", "USED BY", "AGE"});
  for (const auto& snapshot : list.snapshots)
    table.add({snapshot.name, snapshot.id, snapshot.vm, snapshot.image, std::string(held_by_snapshot(snapshot)),
               format_size(snapshot.size_bytes), join(snapshot.used_by, ", "), age_of(snapshot.created_at)});
  return table;
}

Result<int> list(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  Json params = Json::object();
  if (!context.args.positionals.empty()) params["vm"] = context.args.positionals[0];
  auto answer = TRY(daemon.call("vm.snapshot.list", params));
  const Json& snapshots = list_of(answer, "snapshots");
  if (context.args.flag("json")) {
    io.print(dump_json_pretty(snapshots) + "\n");
  } else if (context.args.flag("quiet")) {
    for (const auto& snapshot : snapshots) io.print(safe_text(text_of(snapshot, "id")) + "\n");
  } else {
    io.print(table_of(TRY(api::read<api::SnapshotList>(answer))).text(io.colour(io.out)));
  }
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
