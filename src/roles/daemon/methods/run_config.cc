#include "roles/daemon/methods/run_config.h"

namespace banger::roles::daemon {

std::optional<api::RunConfigObject> run_config_object(const image::RunConfig& config) {
  if (config.empty()) return std::nullopt;
  return api::RunConfigObject{.env = config.env,
                              .entrypoint = config.entrypoint,
                              .cmd = config.cmd,
                              .working_dir = config.working_dir,
                              .user = config.user,
                              .stop_signal = config.stop_signal};
}

}  // namespace banger::roles::daemon
