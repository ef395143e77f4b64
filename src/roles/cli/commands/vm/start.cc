// banger vm start
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are stopped or suspended"},
    kWaitOption,
    {.name = "cold", .help = "boot a suspended VM from its disks; its saved memory is lost"},
    kResultsOption,
};

Result<int> start(Context& context) {
  Json params = Json::object();
  if (auto wait = context.args.text("wait")) params["wait"] = *wait;
  if (context.args.flag("cold")) params["cold"] = true;
  return change_vms(context, "vm.start", {vm::State::stopped, vm::State::suspended}, params);
}

}  // namespace

extern const Command kVmStart;
constinit const Command kVmStart{
    .group = "vm",
    .name = "start",
    .summary = "start stopped VMs, or continue suspended ones, and wait until they are ready",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = start,
};

}  // namespace banger::roles::cli
