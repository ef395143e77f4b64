// banger vm resume
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are suspended"},
    kResultsOption,
};

Result<int> resume(Context& context) { return change_vms(context, "vm.resume", {vm::State::suspended}); }

}  // namespace

extern const Command kVmResume;
constinit const Command kVmResume{
    .group = "vm",
    .name = "resume",
    .summary = "continue suspended VMs",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = resume,
};

}  // namespace banger::roles::cli
