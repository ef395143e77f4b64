// banger vm kill
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};

Result<int> kill(Context& context) { return change_vms(context, "vm.kill"); }

}  // namespace

extern const Command kVmKill;
constinit const Command kVmKill{
    .group = "vm",
    .name = "kill",
    .summary = "end VMs at once, like a power cut; their disks are kept",
    .positionals = kPositionals,
    .options = kResultsOptions,
    .handler = kill,
};

}  // namespace banger::roles::cli
