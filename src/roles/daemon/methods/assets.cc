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
#include "host/files.h"
#include "image/names.h"
#include "roles/daemon/methods/catalog_object.h"
#include "roles/daemon/methods/image_object.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

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

// A path of the host. Empty when the parameter is absent.
Result<std::string> path_param(const Json& params, std::string_view key) {
  return TRY(find_string(params, key)).value_or("");
}

Result<image::RunConfig> config_param(const Json& params) {
  auto text = TRY(find_string(params, "config"));
  return text ? guestcfg::parse_run_config(*text) : image::RunConfig();
}

/// The names of one kind in the catalog, as far as they are known without the network.
Task<std::vector<std::string>> listed(Daemon& daemon, image::catalog::BundleKind kind) {
  auto known = co_await daemon.services.catalog->reader().known();
  co_return known ? names_of(known->catalog, kind) : std::vector<std::string>();
}

Task<Result<Json>> image_list(Daemon& daemon, const Json&, rpc::CallContext&) {
  api::ImageList list;
  for (const auto& image : CO_TRY(daemon.services.images.list())) list.images.push_back(image_object(daemon, image));
  for (const auto& recipe : daemon.services.images.recipes())
    list.recipes.push_back({.name = recipe.name, .description = recipe.description});
  if (auto known = co_await daemon.services.catalog->reader().known())
    list.available = catalog_object(*known, image::catalog::BundleKind::image).entries;
  co_return api::to_json(list);
}

Task<Result<Json>> image_show(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto image = CO_TRY(daemon.services.images.get(CO_TRY(get_string(params, "image"))));
  co_return api::to_json(full_image_object(daemon, image));
}

Task<Result<Json>> image_build(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto turn = co_await daemon.services.building_image.lock();
  auto before = daemon.services.images.get(name);
  auto built = CO_TRY(co_await daemon.services.images.build(name, report_to(context), context.cancel()));
  // The older image has lost its name to the new image. The older image is removed, unless VMs were made from it.
  if (before) co_await engine::remove_orphan(daemon.services, daemon.vms, before->id);
  co_return api::to_json(image_object(daemon, built));
}

Task<Result<Json>> image_import(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto tar = CO_TRY(path_param(params, "tar"));
  auto kernel = CO_TRY(find_string(params, "kernel")).value_or("debian-cloud");
  auto config = CO_TRY(in("parameter 'config'", config_param(params)));
  auto image = CO_TRY(co_await daemon.services.images.import_tar(name, tar, kernel, std::move(config),
                                                                 report_to(context), context.cancel()));
  co_return api::to_json(full_image_object(daemon, image));
}

Task<Result<Json>> image_register(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto rootfs = CO_TRY(path_param(params, "rootfs"));
  auto kernel = CO_TRY(find_string(params, "kernel")).value_or("debian-cloud");
  auto image =
      CO_TRY(co_await daemon.services.images.register_file(name, rootfs, kernel, report_to(context), context.cancel()));
  co_return api::to_json(full_image_object(daemon, image));
}

Task<Result<Json>> image_promote(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "image"));
  auto image = CO_TRY(co_await daemon.services.images.promote(name, report_to(context), context.cancel()));
  co_return api::to_json(full_image_object(daemon, image));
}

/// Neither the opening nor the reading of a file waits for another process.
Task<Result<UniqueFd>> open_bundle(Daemon& daemon, const Json& params) {
  auto path = CO_TRY(get_string(params, "bundle"));
  co_return co_await daemon.services.runtime.blocking([&] { return host::open_regular_file(path); });
}

Task<Result<Json>> image_import_bundle(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(find_string(params, "name")).value_or("");
  auto bundle = CO_TRY(co_await open_bundle(daemon, params));
  auto image = CO_TRY(co_await daemon.services.images.import_bundle({.name = name}, std::move(bundle),
                                                                    report_to(context), context.cancel()));
  co_return api::to_json(full_image_object(daemon, image));
}

Task<Result<Json>> image_delete(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto given = CO_TRY(get_string(params, "image"));
  auto image = CO_TRY(daemon.services.images.get(given));
  auto name = daemon.services.images.name_meant(image, given);
  if (name && !image.other_names.empty()) {
    CO_TRY(daemon.services.images.remove_name(image, *name));
    co_return api::to_json(api::Named{.id = image.id, .name = *name});
  }
  auto check = [&] {
    return engine::check_unused(fmt::format("image '{}'", image.name.empty() ? image.id : image.name),
                                daemon.vms.registry().users_of_image(image.id));
  };
  CO_TRY(check());
  co_await daemon.vms.pool().drop_templates([id = image.id](const store::SaveRow& row) { return row.image_id == id; });
  // Meanwhile a VM may have been made from the image, and a pull or a tag may have given it a name.
  CO_TRY(check());
  if (image::names_of(CO_TRY(daemon.services.images.get(image.id))) != image::names_of(image))
    co_return fail(ErrorCode::busy, fmt::format("image '{}' has a new name", image.id), "try again");
  CO_TRY(co_await daemon.services.images.remove(image.id));
  co_return api::to_json(api::Named{.id = image.id, .name = image.name});
}

Task<Result<Json>> kernel_list(Daemon& daemon, const Json&, rpc::CallContext&) {
  api::KernelList list;
  for (const auto& kernel : CO_TRY(daemon.services.kernels.list())) list.kernels.push_back(describe(daemon, kernel));
  list.pullable = co_await listed(daemon, image::catalog::BundleKind::kernel);
  co_return api::to_json(list);
}

Task<Result<Json>> kernel_show(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto kernel = CO_TRY(daemon.services.kernels.get(CO_TRY(get_string(params, "kernel"))));
  co_return api::to_json(describe(daemon, kernel));
}

Task<Result<Json>> not_listed(Daemon& daemon, std::string name) {
  auto names = co_await listed(daemon, image::catalog::BundleKind::kernel);
  co_return fail(ErrorCode::not_found, fmt::format("the catalog has no kernel '{}'", printable(name, 80)),
                 fmt::format("these can be pulled: {}", join(names, ", ")));
}

Task<Result<Json>> kernel_pull(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto kernel = CO_TRY(co_await daemon.services.catalog->pull_kernel(name, image::catalog::Enough::current,
                                                                     report_to(context), context.cancel()));
  if (!kernel) co_return co_await not_listed(daemon, name);
  co_return api::to_json(describe(daemon, *kernel));
}

Task<Result<Json>> kernel_import(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(get_string(params, "name"));
  auto vmlinux = CO_TRY(path_param(params, "vmlinux"));
  auto modules = CO_TRY(path_param(params, "modules"));
  auto initrd = CO_TRY(path_param(params, "initrd"));
  auto kernel = CO_TRY(
      co_await daemon.services.kernels.import(name, vmlinux, modules, initrd, report_to(context), context.cancel()));
  co_return api::to_json(describe(daemon, kernel));
}

Task<Result<Json>> kernel_import_bundle(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto name = CO_TRY(find_string(params, "name")).value_or("");
  auto bundle = CO_TRY(co_await open_bundle(daemon, params));
  auto kernel = CO_TRY(co_await daemon.services.kernels.import_bundle({.name = name}, std::move(bundle),
                                                                      report_to(context), context.cancel()));
  co_return api::to_json(describe(daemon, kernel));
}

Task<Result<Json>> kernel_delete(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto kernel = CO_TRY(daemon.services.kernels.get(CO_TRY(get_string(params, "kernel"))));
  auto check = [&] {
    return engine::check_unused(fmt::format("kernel '{}'", kernel.name),
                                daemon.vms.registry().users_of_kernel(kernel.name));
  };
  CO_TRY(check());
  co_await daemon.vms.pool().drop_templates(
      [name = kernel.name](const store::SaveRow& row) { return row.kernel == name; });
  CO_TRY(check());  // meanwhile a VM may have been made with the kernel
  CO_TRY(co_await daemon.services.kernels.remove(kernel.name));
  co_return api::to_json(api::KernelName{.name = kernel.name});
}

constexpr Handler kHandlers[] = {
    {"image.list", image_list},
    {"image.show", image_show},
    {"image.build", image_build},
    {"image.import", image_import},
    {"image.register", image_register},
    {"image.promote", image_promote},
    {"image.delete", image_delete},
    {"kernel.list", kernel_list},
    {"kernel.show", kernel_show},
    {"kernel.pull", kernel_pull},
    {"kernel.import", kernel_import},
    {"kernel.delete", kernel_delete},
    {"image.import_bundle", image_import_bundle},
    {"kernel.import_bundle", kernel_import_bundle},
};

}  // namespace

std::span<const Handler> asset_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
