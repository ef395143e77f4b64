#include "roles/daemon/pulls.h"

namespace banger::roles::daemon {

namespace {

image::oci::CredentialSources credentials(const host::Paths& paths) {
  return {.env = host::process_env(), .home = paths.home, .environment = host::process_environment()};
}

/// As in Docker, a registry of insecure_registries may also have a certificate that nobody has signed.
http::TrustPaths trust(const host::Paths& paths, const config::Config& config) {
  auto trust = http::default_trust(host::process_env(), paths.home);
  trust.any_certificate = config.insecure_registries;
  return trust;
}

image::oci::PullSettings settings(const config::Config& config) {
  return {.default_registry = config.default_registry,
          .insecure = config.insecure_registries,
          .max_unpacked_bytes = config.max_image_bytes};
}

}  // namespace

Pulls::Pulls(host::Runtime& runtime, Stores stores, const host::Paths& paths, const config::Config& config)
    : client(runtime, {.user_agent = "banger/" BANGER_VERSION,
                       .proxy = http::proxy_settings(host::process_env()),
                       .trust = trust(paths, config)}),
      transport(client),
      puller(runtime, stores.images, transport, credentials(paths), paths.cache, settings(config)),
      pusher(runtime, stores.images, transport, credentials(paths), paths.cache, settings(config)),
      catalog({.runtime = runtime,
               .images = stores.images,
               .kernels = stores.kernels,
               .registries = puller,
               .transport = transport,
               .building_image = stores.building_image,
               .pulling_kernel = stores.pulling_kernel},
              paths.cache, {.catalog = config.catalog, .key = config.catalog_key, .home = paths.home}) {}

}  // namespace banger::roles::daemon
