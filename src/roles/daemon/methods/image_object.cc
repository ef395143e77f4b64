#include "roles/daemon/methods/image_object.h"

#include "roles/daemon/methods/run_config.h"

namespace banger::roles::daemon {

api::ImageObject image_object(Daemon& daemon, const image::Image& image) {
  auto usable = check_host_file(image);
  return {
      .id = image.id,
      .name = image.name,
      .other_names = image.other_names,
      .source = image.source,
      .kernel = image.kernel,
      .sha256 = image.sha256,
      .size_bytes = image.size_bytes,
      .rootfs_bytes = image.rootfs_bytes,
      .created_at = image.created_at,
      .init = std::string(to_string(image.init)),
      .rootfs = image.rootfs,
      .host_file = image.host_file ? image.host_file->path : "",
      .host_file_fault = usable ? "" : usable.error().message,
      .work_seed = image.work_seed,
      .used_by = daemon.vms.registry().users_of_image(image.id),
      .digest = image.pulled.digest,
  };
}

api::ImageObject full_image_object(Daemon& daemon, const image::Image& image) {
  auto object = image_object(daemon, image);
  object.config = run_config_object(image.run_config);
  if (image.pulled.digest.empty()) return object;
  object.layers.emplace();
  for (const auto& layer : image.pulled.layers)
    object.layers->push_back({.digest = layer.digest, .size_bytes = layer.size_bytes});
  return object;
}

}  // namespace banger::roles::daemon
