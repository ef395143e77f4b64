// image.pull and what else concerns images from registries.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "engine/health/gc.h"
#include "image/names.h"
#include "image/oci/layout_import.h"
#include "image/pulled_documents.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/catalog_object.h"
#include "roles/daemon/methods/image_object.h"

namespace banger::roles::daemon {

namespace {

/// A name of the catalog comes before a reference to a registry.
Task<Result<image::oci::PullResult>> pull(engine::Services& services, std::string name, bool force,
                                          rpc::CallContext& context) {
  using image::catalog::Enough;
  auto listed = CO_TRY(co_await services.catalog->pull_image(name, force ? Enough::never : Enough::current,
                                                             report_to(context), context.cancel()));
  if (listed) co_return std::move(*listed);
  using image::oci::Cached;
  co_return co_await services.puller->pull(name, force ? Cached::ignore : Cached::use, report_to(context),
                                           context.cancel());
}

Task<Result<Json>> image_pull(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto& services = daemon.services;
  auto reference = CO_TRY(get_string(params, "reference"));
  bool force = CO_TRY(find_bool(params, "force")).value_or(false);
  auto before = services.images.get(reference);
  auto pulled = CO_TRY(co_await pull(services, reference, force, context));
  // The older image has lost this name. It goes, unless it has others or VMs were made from it.
  if (before && before->id != pulled.image.id) co_await engine::remove_orphan(services, daemon.vms, before->id);
  co_return api::to_json(api::PullObject{
      .name = pulled.name, .image = full_image_object(daemon, pulled.image), .already = pulled.already});
}

Task<Result<Json>> image_build_from_layout(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto& services = daemon.services;
  auto given = CO_TRY(get_string(params, "name"));
  image::Image made{.name = CO_TRY(image::full_name(given, services.config.default_registry)), .source = "build"};
  made.kernel = CO_TRY(find_string(params, "kernel")).value_or(std::string(image::oci::kDefaultKernel));
  auto before = services.images.get(made.name);
  image::oci::LayoutParts parts{.runtime = services.runtime,
                                .images = services.images,
                                .cache = services.puller->cache(),
                                .max_unpacked_bytes = services.config.max_image_bytes};
  auto layout = CO_TRY(get_string(params, "layout"));
  auto image = CO_TRY(co_await add_layout(parts, std::move(made), layout, report_to(context), context.cancel()));
  if (before && before->id != image.id) co_await engine::remove_orphan(services, daemon.vms, before->id);
  co_return api::to_json(full_image_object(daemon, image));
}

Task<Result<Json>> catalog_show(Daemon& daemon, const Json&, rpc::CallContext& context) {
  auto published = CO_TRY(co_await daemon.services.catalog->reader().read(context.cancel()));
  co_return api::to_json(catalog_object(published));
}

Task<Result<Json>> image_push(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto& services = daemon.services;
  auto image = CO_TRY(services.images.get(CO_TRY(get_string(params, "image"))));
  auto reference = CO_TRY(get_string(params, "reference"));
  auto pushed = CO_TRY(co_await services.pusher->push(image, reference, report_to(context), context.cancel()));
  co_return api::to_json(api::PushObject{.name = pushed.name,
                                         .digest = pushed.digest.text(),
                                         .sent_bytes = pushed.sent_bytes,
                                         .layers = pushed.layers,
                                         .note = pushed.note});
}

Task<Result<Json>> image_prune(Daemon& daemon, const Json&, rpc::CallContext&) {
  auto& puller = *daemon.services.puller;
  api::PruneObject pruned;
  std::vector<UniqueFd> files;
  for (const auto& blob : CO_TRY(puller.unused())) {
    auto removed = puller.cache().remove(blob);
    if (!removed && removed.error().code == ErrorCode::busy) continue;
    if (files.size() == limits::kPruneFiles) files.clear();
    files.push_back(CO_TRY(std::move(removed)));
    ++pruned.removed;
    pruned.size_bytes += blob.size_bytes;
  }
  (void)co_await daemon.services.runtime.blocking([&] {
    files.clear();
    return true;
  });
  co_return api::to_json(pruned);
}

Task<Result<Json>> image_tag(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto source = CO_TRY(get_string(params, "image"));
  auto name = CO_TRY(get_string(params, "name"));
  auto before = daemon.services.images.get(name);
  auto image = CO_TRY(daemon.services.images.tag(source, name));
  if (before && before->id != image.id) co_await engine::remove_orphan(daemon.services, daemon.vms, before->id);
  co_return api::to_json(full_image_object(daemon, image));
}

/// Only pulled images can be inspected, so a missing image that no recipe builds is one to pull.
Error with_pull_hint(const Daemon& daemon, Error error, const std::string& name) {
  bool has_recipe =
      std::ranges::any_of(daemon.services.images.recipes(), [&](const auto& recipe) { return recipe.name == name; });
  bool can_pull = error.code == ErrorCode::not_found && !has_recipe && image::oci::parse_reference(name);
  if (!can_pull) return error;
  // A plain name may be a misspelt name of an image that is here.
  bool plain = name.find_first_of("/:@") == std::string::npos;
  auto nearest = plain && error.hint.starts_with("did you mean") ? error.hint.substr(0, error.hint.find(';')) : "";
  auto pull = fmt::format("banger image pull {}", name);
  error.hint = nearest.empty() ? pull : fmt::format("{} or: {}", nearest, pull);
  return error;
}

Task<Result<Json>> image_inspect(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto name = CO_TRY(get_string(params, "image"));
  auto found = daemon.services.images.get(name);
  if (!found) co_return std::unexpected(with_pull_hint(daemon, std::move(found).error(), name));
  auto image = std::move(*found);
  if (image.pulled.digest.empty())
    co_return fail(ErrorCode::unsupported, fmt::format("image '{}' has no OCI configuration", image.name),
                   fmt::format("it was not pulled; 'banger image show {}' describes it", image.name));
  auto config = CO_TRY(image::read_documents(image)).config;
  if (config.size() > limits::kInspectBytes)
    co_return fail(ErrorCode::exhausted, fmt::format("the OCI configuration of image '{}' is too long", image.name));
  co_return api::to_json(api::InspectObject{.config = std::move(config)});
}

constexpr Handler kHandlers[] = {
    {"image.pull", image_pull},       {"image.push", image_push},
    {"image.prune", image_prune},     {"image.tag", image_tag},
    {"image.inspect", image_inspect}, {"image.build_from_layout", image_build_from_layout},
    {"catalog.show", catalog_show},
};

}  // namespace

std::span<const Handler> pulled_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
