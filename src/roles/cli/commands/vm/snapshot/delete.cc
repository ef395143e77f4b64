// banger vm snapshot delete
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {
    {.name = "SNAPSHOT", .help = "names or ids", .names = Names::snapshot, .repeated = true}};

Result<int> remove(Context& context) {
  return delete_each<api::Named>(context, {.method = "vm.snapshot.delete", .key = "snapshot"}, Json::object());
}

}  // namespace

extern const Command kSnapshotDelete;
constinit const Command kSnapshotDelete{
    .group = "vm snapshot",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete snapshots that no running VM uses",
    .positionals = kPositionals,
    .options = kResultsOptions,
    .handler = remove,
};

}  // namespace banger::roles::cli
