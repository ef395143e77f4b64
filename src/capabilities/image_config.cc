// What an image says about its programs: variables, directory, user, main command and stop signal. The agent honours
// all of it for the commands of clients (roles/agent/exec/program.h). The variables also reach login shells, as all
// variables of a guest.
#include "capabilities/capability.h"
#include "guestcfg/environment.h"

namespace banger::capabilities {

namespace {

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  // The variables of the VM itself win.
  for (auto& [name, value] : guestcfg::variables(vm.run_config)) config.environment.emplace(name, value);
  TRY(in("the variables of the image and the VM together", guestcfg::check_environment(config.environment)));
  config.image = vm.run_config;
  config.image.env.clear();
  return {};
}

}  // namespace

extern const Capability image_config;
constinit const Capability image_config = {.name = "image_config", .guest = add_to_guest};

}  // namespace banger::capabilities
