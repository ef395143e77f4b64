// banger vm delete
#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};
constexpr Option kOptions[] = {{.name = "force", .letter = 'f', .help = "also delete running VMs"}};

Result<int> remove(Context& context) {
  return fan_out(context, "vm.delete", {{"force", context.args.flag("force")}}, [](const Json&) { return "deleted"; });
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
