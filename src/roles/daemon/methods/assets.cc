// image.* and kernel.*: list, describe, make and delete images and kernels.
#include "engine/assets.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "api/objects/kernel.h"
#include "api/objects/vm.h"
#include "base/text.h"
#include "engine/health/gc.h"
#include "guestcfg/run_config.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/run_config.h"

namespace banger::roles::daemon {

namespace {

api::ImageObject describe(Daemon& daemon, const image::Image& image) {
  return {
      .id = image.id,
      .name = image.name,
      .source = image.source,
      .kernel = image.kernel,
      .sha256 = image.sha256,
      .size_bytes = image.size_bytes,
      .rootfs_bytes = image.rootfs_bytes,
      .created_at = image.created_at,
      .init = std::string(to_string(image.init)),
      .rootfs = image.rootfs,
      .work_seed = image.work_seed,
      .used_by = daemon.vms.registry().users_of_image(image.id),
  };
}

/// With what lists leave out.
api::ImageObject describe_fully(Daemon& daemon, const image::Image& image) {
  auto object = describe(daemon, image);
  object.config = run_config_object(image.run_config);
  return object;
}

api::KernelObject describe(Daemon& daemon, const image::Kernel& kernel) {
  return {
      .name = kernel.name,
      .source = kernel.source,
      .release = kernel.release,
      .sha256 = kernel.sha256,
      .size_bytes = kernel.size_bytes,
      .created_at = kernel.created_at,
      .vmlinux = kernel.vmlinux,
      .modules = kernel.modules,
      .modules_image = kernel.modules_image,
      .initrd = kernel.initrd,
      .used_by = daemon.vms.registry().users_of_kernel(kernel.name),
  };
}

image::StageProgress progress_of(rpc::CallContext& context) {
  return [&context](std::string_view stage, std::string_view detail, int percent) {
    context.progress(stage, detail, percent);
  };
}

// A path of the host. Empty when the parameter is absent.
Result<std::string> path_param(const Json& params, std::string_view key) {
  return TRY(find_string(params, key)).value_or("");
}

Result<image::RunConfig> config_param(const Json& params) {
  auto text = TRY(find_string(params, "config"));
  return text ? guestcfg::parse_run_config(*text) : image::RunConfig();
}

Task<Result<Json>> image_list(Daemon& daemon, const Json&, rpc::CallContext&) {
  api::ImageList list;
  for (const auto& image : CO_TRY(daemon.services.images.list())) list.images.push_back(describe(daemon, image));
  for (const auto& recipe : daemon.services.images.recipes())
    list.recipes.push_back({.name = recipe.name, .description = recipe.description});
  co_return api::to_json(list);
}

Task<Result<Json>> image_show(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto image = CO_TRY(daemon.services.images.get(CO_TRY(get_string(params, "image"))));
  co_return api::to_json(describe_fully(daemon, image));
}

Task<Result<Json>> image_build(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto turn = co_await daemon.services.building_image.lock();
  auto before = daemon.services.images.get(name);
  auto built = CO_TRY(co_await daemon.services.images.build(name, progress_of(context), context.cancel()));
  // The older image has lost its name to the new image. The older image is removed, unless VMs were made from it.
  if (before) co_await engine::remove_orphan(daemon.services, daemon.vms, before->id);
  co_return api::to_json(describe(daemon, built));
}

Task<Result<Json>> image_import(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto tar = CO_TRY(path_param(params, "tar"));
  auto kernel = CO_TRY(find_string(params, "kernel")).value_or("debian-cloud");
  auto config = CO_TRY(in("parameter 'config'", config_param(params)));
  auto image = CO_TRY(co_await daemon.services.images.import_tar(name, tar, kernel, std::move(config),
                                                                 progress_of(context), context.cancel()));
  co_return api::to_json(describe_fully(daemon, image));
}

Task<Result<Json>> image_delete(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto image = CO_TRY(daemon.services.images.get(CO_TRY(get_string(params, "image"))));
  CO_TRY(engine::check_unused(fmt::format("image '{}'", image.name), daemon.vms.registry().users_of_image(image.id)));
  co_await daemon.vms.pool().drop_templates([id = image.id](const store::SaveRow& row) { return row.image_id == id; });
  CO_TRY(daemon.services.images.remove(image.id));
  co_return api::to_json(api::Named{.id = image.id, .name = image.name});
}

Task<Result<Json>> kernel_list(Daemon& daemon, const Json&, rpc::CallContext&) {
  api::KernelList list;
  for (const auto& kernel : CO_TRY(daemon.services.kernels.list())) list.kernels.push_back(describe(daemon, kernel));
  list.pullable = daemon.services.kernels.pullable();
  co_return api::to_json(list);
}

Task<Result<Json>> kernel_show(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto kernel = CO_TRY(daemon.services.kernels.get(CO_TRY(get_string(params, "kernel"))));
  co_return api::to_json(describe(daemon, kernel));
}

Task<Result<Json>> kernel_pull(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto turn = co_await daemon.services.pulling_kernel.lock();
  auto kernel = CO_TRY(co_await daemon.services.kernels.pull(name, progress_of(context), context.cancel()));
  co_return api::to_json(describe(daemon, kernel));
}

Task<Result<Json>> kernel_import(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto vmlinux = CO_TRY(path_param(params, "vmlinux"));
  auto modules = CO_TRY(path_param(params, "modules"));
  auto initrd = CO_TRY(path_param(params, "initrd"));
  auto kernel = CO_TRY(
      co_await daemon.services.kernels.import(name, vmlinux, modules, initrd, progress_of(context), context.cancel()));
  co_return api::to_json(describe(daemon, kernel));
}

Task<Result<Json>> kernel_delete(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto kernel = CO_TRY(daemon.services.kernels.get(CO_TRY(get_string(params, "kernel"))));
  CO_TRY(engine::check_unused(fmt::format("kernel '{}'", kernel.name),
                              daemon.vms.registry().users_of_kernel(kernel.name)));
  co_await daemon.vms.pool().drop_templates(
      [name = kernel.name](const store::SaveRow& row) { return row.kernel == name; });
  CO_TRY(daemon.services.kernels.remove(kernel.name));
  co_return api::to_json(api::KernelName{.name = kernel.name});
}

constexpr Handler kHandlers[] = {
    {"image.list", image_list},       {"image.show", image_show},     {"image.build", image_build},
    {"image.import", image_import},   {"image.delete", image_delete}, {"kernel.list", kernel_list},
    {"kernel.show", kernel_show},     {"kernel.pull", kernel_pull},   {"kernel.import", kernel_import},
    {"kernel.delete", kernel_delete},
};

}  // namespace

std::span<const Handler> asset_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
