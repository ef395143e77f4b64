// banger vm kill
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are running"},
    kResultsOption,
};

Result<int> kill(Context& context) {
  using enum vm::State;
  return change_vms(context, "vm.kill", {starting, running, stopping, suspending});
}

}  // namespace

extern const Command kVmKill;
constinit const Command kVmKill{
    .group = "vm",
    .name = "kill",
    .summary = "end VMs at once, like a power cut; their disks are kept",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = kill,
};

}  // namespace banger::roles::cli
