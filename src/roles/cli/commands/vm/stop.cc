// banger vm stop
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are running"},
    stop_timeout_option(),
    kResultsOption,
};

Result<int> stop(Context& context) {
  Json params = Json::object();
  if (auto mistake = add_stop_timeout(context, params)) return *mistake;
  return change_vms(context, "vm.stop", {vm::State::starting, vm::State::running, vm::State::stopping}, params);
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
