// banger system restart
#include <unistd.h>

#include "roles/cli/command.h"
#include "roles/cli/system/install.h"
#include "roles/cli/system/services.h"

namespace banger::roles::cli {

namespace {

Result<int> run(Context& context) {
  if (::geteuid() != 0)
    return fail(ErrorCode::denied, "only root can restart the services", "sudo banger system restart");
  TRY(installed_owner({}));
  TRY(restart_services(system_tool()));
  context.io.print("restarted the daemon and the root helper; VMs go on\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kSystemRestart;
constinit const Command kSystemRestart{
    .group = "system",
    .name = "restart",
    .summary = "restart the daemon and the root helper; VMs go on",
    .handler = run,
};

}  // namespace banger::roles::cli
