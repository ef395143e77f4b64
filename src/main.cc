// One executable with several roles. argv[0] picks the role; if argv[0] is `banger`, argv[1] may name another role. In
// every role, descriptors 0 to 2 are standard streams and no other files. Threads, locale and logging belong to the
// roles.
#include <string_view>

#include "host/standard_streams.h"
#include "roles/agent/agent.h"
#include "roles/agent/init/init.h"
#include "roles/cli/cli.h"
#include "roles/daemon/daemon.h"
#include "roles/gate/gate.h"
#include "roles/helper/helper.h"
#include "roles/network/network.h"

namespace {

struct Role {
  std::string_view name;
  int (*run)(int argc, char** argv);
  bool guest_only = false;  ///< a process 1 of guests, which no command names
};

constexpr Role kRoles[] = {
    {"banger", banger::roles::cli::run},
    {"bangerd", banger::roles::daemon::run},
    {"bangerd-root", banger::roles::helper::run},
    {"bangerd-gate", banger::roles::gate::run},
    {"bangerd-net", banger::roles::network::run},
    {"banger-agent", banger::roles::agent::run_agent},
    {"init", banger::roles::agent::run_init, true},
    {"shutdown", banger::roles::agent::run_exitrd, true},
};

const Role* find_role(std::string_view name) {
  for (const Role& role : kRoles)
    if (role.name == name) return &role;
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  banger::host::reserve_standard_streams();
  std::string_view name = argc > 0 ? argv[0] : "banger";
  if (auto slash = name.rfind('/'); slash != name.npos) name.remove_prefix(slash + 1);
  // `banger bangerd …` starts a role without a link to this file. The role's arguments start at argv[2].
  if (argc > 1 && name == "banger" && std::string_view(argv[1]) != "banger")
    if (const Role* role = find_role(argv[1]); role && !role->guest_only) return role->run(argc - 1, argv + 1);
  const Role* role = find_role(name);
  return (role ? role : &kRoles[0])->run(argc, argv);
}
