#include "roles/cli/builder/base_layers.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/objects/image.h"
#include "base/text.h"
#include "config/config.h"
#include "host/files.h"
#include "image/names.h"
#include "image/oci/blob_cache.h"
#include "image/oci/bounds.h"
#include "image/oci/config.h"
#include "image/oci/documents.h"
#include "image/oci/layer_file.h"
#include "image/pulled_documents.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/export_bundle.h"
#include "roles/cli/progress.h"

namespace banger::roles::cli {

namespace {

namespace oci = image::oci;

constexpr std::size_t kGuestTagLength = 12;  // as other tools shorten ids

/// Only a whole name counts. A part of an id would be a surprise in a Containerfile.
Result<std::optional<image::Image>> find_here(const Io& io, const Stores& stores, const std::string& name) {
  auto paths = TRY(host::find_paths(io.env));
  auto registry = TRY(config::load_config(paths.config_file)).default_registry;
  for (auto& image : TRY(stores.images->list()))
    if (image::name_meant(image, name, registry)) return std::move(image);
  return std::nullopt;
}

/// A pulled image, with the documents and the layers of its registry.
Result<> add_pulled(const Io& io, const image::Image& image, BaseLayers& base) {
  auto documents = TRY(image::read_documents(image));
  base.manifest = std::move(documents.manifest);
  base.config = std::move(documents.config);
  auto layers = TRY(oci::manifest_layers(base.manifest));
  auto config = TRY(oci::parse_image_config(base.config, layers.size()));
  oci::BlobCache cache(TRY(host::find_paths(io.env)).cache);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& layer = layers[i];
    auto file = TRY(cache.open(layer));
    if (!file)
      return fail(ErrorCode::not_found, fmt::format("layer {} is no longer in the cache", layer.digest.brief()),
                  fmt::format("banger image pull --force {}", image.name));
    base.layers.push_back({.name = layer.digest.hex(), .file = std::move(*file), .size_bytes = layer.size});
    base.diff_ids.push_back(config.diff_ids[i].hex());
  }
  return {};
}

Result<oci::LayerFile> pack_layer(const Io& io, const Signals& signals, const image::Image& image) {
  auto cache = TRY(host::find_paths(io.env)).cache;
  std::atomic<std::uint64_t> packed = 0;
  std::optional<oci::LayerFile> layer;
  Progress progress(io);
  auto tell = [&] { progress.update({"pack", fmt::format("{} {}", image.name, format_size(packed)), -1}); };
  TRY(run_interruptible(signals, tell, [&](const image::StopFlag& stop) -> Result<> {
    layer = TRY(oci::make_layer({.rootfs = image.rootfs, .base_rootfs = ""}, cache, packed, &stop));
    return {};
  }));
  return std::move(*layer);
}

/// Another image becomes one layer.
Result<> add_rootfs(const Io& io, const Signals& signals, const image::Image& image, BaseLayers& base) {
  TRY(check_host_file(image));
  auto layer = TRY(pack_layer(io, signals, image));
  TRY(check_host_file(image));  // it may have changed while it was packed
  base.config = oci::write_config(image, {layer.diff_id});
  base.manifest =
      oci::write_manifest({.digest = oci::Digest::of(base.config), .size = base.config.size()}, {layer.descriptor});
  if (::lseek(layer.fd.get(), 0, SEEK_SET) < 0) return fail_errno("lseek");
  base.layers.push_back(
      {.name = layer.descriptor.digest.hex(), .file = std::move(layer.fd), .size_bytes = layer.descriptor.size});
  return {};
}

Result<> write_file(tar::TarWriter& writer, const std::string& path, const BaseBlob& blob) {
  TRY(writer.add(
      {.path = path, .kind = tar::EntryKind::file, .mode = 0600, .size = static_cast<std::int64_t>(blob.size_bytes)}));
  std::string piece(limits::kBlobReadBytes, '\0');
  for (std::uint64_t left = blob.size_bytes; left > 0;) {
    auto got = ::read(blob.file.get(), piece.data(), std::min<std::uint64_t>(piece.size(), left));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read a layer");
    if (got == 0) return fail(ErrorCode::corrupt, "a layer became shorter while it was read", "try again");
    TRY(writer.write(std::string_view(piece).substr(0, static_cast<std::size_t>(got))));
    left -= static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace

std::string guest_name_of(const std::string& id) { return "localhost/base:" + id.substr(0, kGuestTagLength); }

std::string with_guest_names(std::string_view containerfile, const std::vector<image::BaseImage>& places,
                             const std::vector<BaseLayers>& bases) {
  std::map<std::string, std::string> names;
  for (const auto& base : bases) names[base.name] = base.guest_name;
  return image::with_names(containerfile, places, names);
}

Result<BaseLayers> find_base(Io& io, Daemon& daemon, const std::string& name, bool pull) {
  auto context = fmt::format("base image '{}'", safe_text(name));
  auto stores = TRY(Stores::open(io));
  auto image = TRY(find_here(io, stores, name));
  bool ask = !image || (pull && image->source.starts_with("registry:"));
  if (ask) {
    auto pulled = TRY(in(context, daemon.get<api::PullObject>("image.pull", {{"reference", name}})));
    image = TRY(stores.images->get(pulled.image.id));
  }
  BaseLayers base{.name = name, .guest_name = {}, .id = {}, .manifest = {}, .config = {}, .layers = {}, .diff_ids = {}};
  TRY(in(context,
         image->pulled.digest.empty() ? add_rootfs(io, daemon.signals(), *image, base) : add_pulled(io, *image, base)));
  base.id = oci::Digest::of(base.config).hex();
  base.guest_name = guest_name_of(base.id);
  return base;
}

Result<> write_text(tar::TarWriter& writer, const std::string& path, std::string_view text) {
  TRY(writer.add(
      {.path = path, .kind = tar::EntryKind::file, .mode = 0600, .size = static_cast<std::int64_t>(text.size())}));
  return writer.write(text);
}

Result<> write_base(tar::TarWriter& writer, const std::string& directory, BaseLayers& base) {
  TRY(write_text(writer, directory + "/version", "Directory Transport Version: 1.1\n"));
  TRY(write_text(writer, directory + "/manifest.json", base.manifest));
  TRY(write_text(writer, directory + "/" + base.id, base.config));
  for (const auto& layer : base.layers) TRY(write_file(writer, directory + "/" + layer.name, layer));
  return {};
}

}  // namespace banger::roles::cli
