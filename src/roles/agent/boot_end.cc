#include "roles/agent/boot_end.h"

#include "roles/agent/bounds.h"

namespace banger::roles::agent {

Task<> wait_for_boot_end(host::Runtime& runtime, InitKind init, std::string path_variable) {
  if (init != InitKind::systemd) co_return;
  host::SpawnSpec spawn{.argv = {"systemctl", "is-system-running", "--wait"},
                        .env = {"PATH=" + path_variable},
                        .cwd = "/",
                        .new_session = true};
  // Its status says whether a unit has failed, which does not matter here.
  (void)co_await host::run_command(runtime, std::move(spawn), host::after(limits::kBootEndDeadline), 4096);
}

}  // namespace banger::roles::agent
