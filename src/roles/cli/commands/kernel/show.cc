// banger kernel show
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/store_views.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "KERNEL", .help = "a name", .names = Names::kernel}};
constexpr Option kOptions[] = {kJsonOption};

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  show_kernel(context, TRY(daemon.call("kernel.show", {{"kernel", context.args.positionals[0]}})));
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelShow;
constinit const Command kKernelShow{
    .group = "kernel",
    .name = "show",
    .summary = "show everything about one kernel",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
