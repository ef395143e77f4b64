// banger kernel pull
#include <nlohmann/json.hpp>

#include "api/objects/kernel.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "NAME", .help = "a name from 'banger kernel catalog'", .names = Names::pullable}};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};

Result<int> run(Context& context) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto kernel = TRY(daemon.get<api::KernelObject>("kernel.pull", {{"name", context.args.positionals[0]}}));
  print_new(context, kernel, kernel.name, ready_line(kernel.name, kernel.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelPull;
constinit const Command kKernelPull{
    .group = "kernel",
    .name = "pull",
    .summary = "download a kernel by its name",
    .details =
        "The sources of the catalog are tried in their order, and each failure is printed.\n"
        "debian-cloud is the cloud kernel of Debian. The host's package tool downloads and verifies the package. "
        "Unpacking does not require root.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
