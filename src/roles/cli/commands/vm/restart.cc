// banger vm restart
#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};

Result<int> restart(Context& context) {
  return fan_out(context, "vm.restart", Json::object(), [](const Json& vm) { return text_of(vm, "state"); });
}

}  // namespace

extern const Command kVmRestart;
constinit const Command kVmRestart{
    .group = "vm",
    .name = "restart",
    .summary = "stop VMs and start them again; their disks are kept",
    .positionals = kPositionals,
    .handler = restart,
};

}  // namespace banger::roles::cli
