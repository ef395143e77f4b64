// banger vm stop
#include <nlohmann/json.hpp>

#include "api/bounds.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};
constexpr Option kOptions[] = {
    {.name = "timeout",
     .kind = Kind::duration,
     .value = "TIME",
     .help = "how long the guest may take before it is forced to end, like 10s (default: 30s)"},
    kResultsOption,
};

Result<int> stop(Context& context) {
  Json params = Json::object();
  if (auto timeout = context.args.number("timeout")) {
    if (*timeout > limits::kStopTimeoutMs) return context.usage("--timeout: more than an hour is too long");
    params["timeout_ms"] = *timeout;
  }
  return change_vms(context, "vm.stop", params);
}

}  // namespace

extern const Command kVmStop;
constinit const Command kVmStop{
    .group = "vm",
    .name = "stop",
    .summary = "shut VMs down; their disks are kept",
    .details =
        "The guest is asked to shut down. If that takes too long, the VM is forced to end, as by a power cut. Standard "
        "error then says so, and so does 'forced' in the JSON. The status is 0 in both cases, because the VM is "
        "stopped.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = stop,
};

}  // namespace banger::roles::cli
