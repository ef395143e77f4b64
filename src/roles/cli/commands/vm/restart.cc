// banger vm restart
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};

Result<int> restart(Context& context) { return change_vms(context, "vm.restart"); }

}  // namespace

extern const Command kVmRestart;
constinit const Command kVmRestart{
    .group = "vm",
    .name = "restart",
    .summary = "stop VMs and start them again; their disks are kept",
    .positionals = kPositionals,
    .options = kResultsOptions,
    .handler = restart,
};

}  // namespace banger::roles::cli
