// banger vm resume
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};

Result<int> resume(Context& context) { return change_vms(context, "vm.resume"); }

}  // namespace

extern const Command kVmResume;
constinit const Command kVmResume{
    .group = "vm",
    .name = "resume",
    .summary = "continue suspended VMs",
    .positionals = kPositionals,
    .options = kResultsOptions,
    .handler = resume,
};

}  // namespace banger::roles::cli
