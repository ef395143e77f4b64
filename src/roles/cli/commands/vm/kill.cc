// banger vm kill
#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};

Result<int> kill(Context& context) {
  return fan_out(context, "vm.kill", Json::object(), [](const Json& vm) { return text_of(vm, "state"); });
}

}  // namespace

extern const Command kVmKill;
constinit const Command kVmKill{
    .group = "vm",
    .name = "kill",
    .summary = "end VMs at once, like a power cut; their disks are kept",
    .positionals = kPositionals,
    .handler = kill,
};

}  // namespace banger::roles::cli
