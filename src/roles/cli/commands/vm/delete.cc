// banger vm delete
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {kVmsArgument};
constexpr Option kOptions[] = {{.name = "force", .letter = 'f', .help = "also delete running VMs"}, kResultsOption};

Result<int> remove(Context& context) {
  return delete_each<api::Named>(context, {.method = "vm.delete"}, {{"force", context.args.flag("force")}});
}

}  // namespace

extern const Command kVmDelete;
constinit const Command kVmDelete{
    .group = "vm",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete VMs and their disks",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = remove,
};

}  // namespace banger::roles::cli
