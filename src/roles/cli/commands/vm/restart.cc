// banger vm restart
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are running"},
    stop_timeout_option(),
    kWaitOption,
    kResultsOption,
};

Result<int> restart(Context& context) {
  Json params = Json::object();
  if (auto wait = context.args.text("wait")) params["wait"] = *wait;
  if (auto mistake = add_stop_timeout(context, params)) return *mistake;
  return change_vms(context, "vm.restart", {vm::State::running}, params);
}

}  // namespace

extern const Command kVmRestart;
constinit const Command kVmRestart{
    .group = "vm",
    .name = "restart",
    .summary = "stop VMs and start them again; their disks are kept",
    .details = "A guest that does not shut down is forced to end, as by 'banger vm stop', which says so.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = restart,
};

}  // namespace banger::roles::cli
