// banger vm suspend
#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};

Result<int> suspend(Context& context) {
  return fan_out(context, "vm.suspend", Json::object(), [](const Json& vm) { return text_of(vm, "state"); });
}

}  // namespace

extern const Command kVmSuspend;
constinit const Command kVmSuspend{
    .group = "vm",
    .name = "suspend",
    .summary = "save running VMs to disk and free their memory; 'vm resume' continues them",
    .details = "Processes continue where they stood, also after a restart of the daemon or of this host.",
    .positionals = kPositionals,
    .handler = suspend,
};

}  // namespace banger::roles::cli
