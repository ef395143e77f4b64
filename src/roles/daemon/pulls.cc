#include "roles/daemon/pulls.h"

namespace banger::roles::daemon {

Pulls::Pulls(host::Runtime& runtime, image::ImageStore& images, const host::Paths& paths, const config::Config& config)
    : client(runtime, {.user_agent = "banger/" BANGER_VERSION,
                       .proxy = http::proxy_settings(host::process_env()),
                       .trust = http::default_trust(host::process_env(), paths.home)}),
      transport(client),
      puller(runtime, images, transport,
             {.env = host::process_env(), .home = paths.home, .environment = host::process_environment()}, paths.cache,
             {.default_registry = config.default_registry,
              .insecure = config.insecure_registries,
              .max_unpacked_bytes = config.max_image_bytes}) {}

}  // namespace banger::roles::daemon
