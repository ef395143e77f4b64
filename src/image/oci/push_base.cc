#include "image/oci/push_base.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/oci/bounds.h"
#include "image/oci/config.h"
#include "image/pulled_documents.h"
#include "image/room.h"

namespace banger::image::oci {

namespace {

Result<PushBase> read_base(const Image& image) {
  auto documents = TRY(read_documents(image));
  auto document = TRY(in("its manifest", parse_document(documents.manifest, "")));
  auto* manifest = std::get_if<Manifest>(&document);
  if (!manifest) return fail(ErrorCode::corrupt, "its manifest is an index");
  if (manifest->layers.size() >= limits::kImageLayers)
    return fail(ErrorCode::unsupported, fmt::format("it has {} layers, and an image has at most {}",
                                                    manifest->layers.size(), limits::kImageLayers));
  auto config = TRY(in("its config", parse_image_config(documents.config, manifest->layers.size())));
  return PushBase{.layers = std::move(manifest->layers),
                  .diff_ids = std::move(config.diff_ids),
                  .config = std::move(documents.config)};
}

Task<Result<>> find_layers(const PushBaseParts& parts, PushBase& base) {
  for (const auto& layer : base.layers) {
    // A damaged layer is as good as none, and the registry may have it.
    base.files.push_back(parts.cache.open(layer).value_or(std::nullopt));
    if (base.files.back() || CO_TRY(co_await parts.registry.has_blob(layer.digest))) continue;
    co_return fail(ErrorCode::not_found, fmt::format("layer {} is no longer in the cache", layer.digest.brief()));
  }
  co_return Result<>();
}

Task<Result<BaseTree>> make_tree(const PushBaseParts& parts, const std::string& store_directory, PushBase& base,
                                 StageProgress progress, host::Cancel& cancel) {
  std::vector<ext4::Layer> layers;
  for (std::size_t i = 0; i < base.layers.size(); ++i) {
    auto digest = base.layers[i].digest.text();
    if (!base.files[i])
      co_return fail(ErrorCode::not_found, fmt::format("layer {} is no longer in the cache", digest.substr(7, 12)));
    layers.push_back({.fd = base.files[i]->get(), .digest = digest, .diff_id = base.diff_ids[i].text()});
  }
  Result<> room;
  auto watch = [&] {
    progress("base", "", -1);
    if (room) room = check_room(store_directory);
    return room.has_value();
  };
  auto made = co_await stoppable(
      parts.runtime, cancel,
      [&](const StopFlag* stop) { return make_base_tree(store_directory, layers, parts.max_unpacked_bytes, stop); },
      watch);
  CO_TRY(std::move(room));
  co_return made;
}

/// The base itself, if it is still in the store.
std::optional<std::string> stored_tree(const ImageStore& images, const std::string& manifest) {
  for (const auto& image : images.list().value_or(std::vector<Image>()))
    if (image.pulled.manifest == manifest) return image.rootfs;
  return std::nullopt;
}

}  // namespace

Task<Result<PushBase>> find_push_base(PushBaseParts parts, Image image, StageProgress progress, host::Cancel& cancel) {
  auto base = CO_TRY(read_base(image));
  CO_TRY(co_await find_layers(parts, base));
  if (auto stored = stored_tree(parts.images, image.base.manifest)) {
    base.tree.rootfs = std::move(*stored);
    co_return base;
  }
  auto directory = image.rootfs.substr(0, image.rootfs.rfind('/'));
  base.tree = CO_TRY(co_await make_tree(parts, directory.substr(0, directory.rfind('/')), base, progress, cancel));
  co_return base;
}

}  // namespace banger::image::oci
