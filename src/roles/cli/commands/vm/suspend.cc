// banger vm suspend
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are running"},
    kResultsOption,
};

Result<int> suspend(Context& context) { return change_vms(context, "vm.suspend", {vm::State::running}); }

}  // namespace

extern const Command kVmSuspend;
constinit const Command kVmSuspend{
    .group = "vm",
    .name = "suspend",
    .summary = "save running VMs to disk and free their memory; 'vm resume' continues them",
    .details = "Processes continue where they stood, also after a restart of the daemon or of this host.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = suspend,
};

}  // namespace banger::roles::cli
