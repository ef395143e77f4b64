// banger vm stop
#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};
constexpr Option kOptions[] = {
    {.name = "timeout",
     .kind = Kind::duration,
     .value = "TIME",
     .help = "how long the guest may take before it is forced to end, like 10s (default: 30s)"},
};

Result<int> stop(Context& context) {
  Json params = Json::object();
  if (auto timeout = context.args.number("timeout")) params["timeout_ms"] = *timeout;
  return fan_out(context, "vm.stop", params, [](const Json& vm) { return text_of(vm, "state"); });
}

}  // namespace

extern const Command kVmStop;
constinit const Command kVmStop{
    .group = "vm",
    .name = "stop",
    .summary = "shut VMs down; their disks are kept",
    .details = "The guest is asked to shut down. If that takes too long, the VM is forced to end.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = stop,
};

}  // namespace banger::roles::cli
