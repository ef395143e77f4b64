#include "image/oci/layout_import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "host/files.h"
#include "image/bounds.h"
#include "image/oci/bounds.h"
#include "image/oci/documents.h"
#include "image/oci/layout.h"
#include "image/pulled_documents.h"
#include "image/room.h"

namespace banger::image::oci {

namespace {

using LayersHere = std::map<Digest, Descriptor>;

/// The layers of one image by the digests of what they unpack to.
Result<LayersHere> layers_of(const Image& image) {
  auto documents = TRY(read_documents(image));
  auto layers = TRY(manifest_layers(documents.manifest));
  auto config = TRY(parse_image_config(documents.config, layers.size()));
  LayersHere here;
  for (std::size_t i = 0; i < layers.size(); ++i) here.insert_or_assign(config.diff_ids[i], layers[i]);
  return here;
}

/// Of all images. A damaged image is passed over, because another one may have the layer.
LayersHere layers_of(const std::vector<Image>& images) {
  LayersHere all;
  for (const auto& image : images) {
    if (image.pulled.digest.empty()) continue;
    if (auto here = layers_of(image)) all.merge(std::move(*here));
  }
  return all;
}

std::unexpected<Error> missing(const Digest& diff_id) {
  return fail(ErrorCode::invalid, fmt::format("a layer is neither in the archive nor here: {}", diff_id.brief()),
              "pull the image that it builds on again, with --force");
}

/// Gives a file without a name in the cache's directory the name of its blob. A blob that is there has the same
/// content.
Result<> adopt(const BlobCache& cache, int fd, const Digest& digest) {
  auto path = fmt::format("{}/{}", cache.directory(), digest.hex()), open = fmt::format("/proc/self/fd/{}", fd);
  if (::fsync(fd) < 0) return fail_errno(path);
  if (::linkat(AT_FDCWD, open.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
    return fail_errno(path);
  auto directory = TRY(host::open_file(cache.directory(), O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) < 0) return fail_errno(cache.directory());
  return {};
}

/// No image needed the layers until the new one was complete, so 'image prune' may have removed them.
Result<> restore(const BlobCache& cache, int fd, const Descriptor& layer) {
  if (TRY(cache.open(layer))) return {};
  auto copy = TRY(host::open_file(cache.directory(), O_TMPFILE | O_RDWR, 0600));
  off_t at = 0;
  while (static_cast<std::uint64_t>(at) < layer.size) {
    TRY(check_room(cache.directory()));
    auto piece = std::min(limits::kRoomLookBytes, layer.size - static_cast<std::uint64_t>(at));
    auto sent = ::sendfile(copy.get(), fd, &at, piece);
    if (sent < 0 && errno != EINTR) return fail_errno("copy a layer");
    if (sent == 0) return fail(ErrorCode::corrupt, "a layer became shorter while it was copied");
  }
  return adopt(cache, copy.get(), layer.digest);
}

/// The image with its layers open, and what of them came with the archive.
struct Completed {
  LayeredImage image;
  std::vector<UniqueFd> blobs;
  std::vector<Descriptor> new_layers;
};

/// Gives the layers their places: those of the archive in the cache, and those of other images in the manifest.
Result<Completed> complete(const LayoutParts& parts, const Layout& layout, Image image) {
  Completed made{.image = {.image = std::move(image), .max_unpacked_bytes = parts.max_unpacked_bytes}};
  auto& pulled = made.image.image.pulled;
  made.image.image.run_config = layout.config.run;
  std::vector<std::optional<Descriptor>> others;
  std::optional<LayersHere> here;
  for (std::size_t i = 0; i < layout.manifest.layers.size(); ++i) {
    auto layer = layout.manifest.layers[i];
    const auto& diff_id = layout.config.diff_ids[i];
    others.emplace_back();
    if (auto blob = layout.blobs.find(layer.digest); blob != layout.blobs.end()) {
      TRY(adopt(parts.cache, blob->second.fd.get(), layer.digest));
      made.new_layers.push_back(layer);
    } else {
      if (!here) here = layers_of(TRY(parts.images.list()));
      auto found = here->find(diff_id);
      if (found == here->end()) return missing(diff_id);
      others.back() = found->second;
      layer = found->second;
    }
    auto file = TRY(parts.cache.open(layer));
    if (!file) return missing(diff_id);
    pulled.layers.push_back({.digest = layer.digest.text(), .size_bytes = layer.size});
    made.image.layers.push_back({.fd = file->get(), .digest = layer.digest.text(), .diff_id = diff_id.text()});
    made.blobs.push_back(std::move(*file));
  }
  made.image.documents.manifest = here ? TRY(replace_layers(layout.manifest_text, others)) : layout.manifest_text;
  made.image.documents.config = layout.config_text;
  pulled.digest = pulled.manifest = Digest::of(made.image.documents.manifest).text();
  return made;
}

}  // namespace

Task<Result<Image>> add_layout(LayoutParts parts, Image image, std::string path, StageProgress progress,
                               host::Cancel& cancel) {
  progress("read", "", -1);
  auto read = [&](const StopFlag* stop) -> Result<Layout> {
    TRY(host::make_directories(parts.cache.directory(), 0700));
    auto file = TRY(host::open_regular_file(path));
    return read_layout(file.get(), parts.cache.directory(), limits::kLayoutBytes, stop);
  };
  auto layout = CO_TRY(in("read the image", co_await stoppable(parts.runtime, cancel, read)));
  auto made = CO_TRY(co_await parts.runtime.blocking([&] { return complete(parts, layout, std::move(image)); }));
  auto added = CO_TRY(co_await parts.images.add_layers(std::move(made.image), std::move(made.blobs), progress, cancel));
  auto restore_all = [&]() -> Result<> {
    for (const auto& layer : made.new_layers) TRY(restore(parts.cache, layout.blobs.at(layer.digest).fd.get(), layer));
    return {};
  };
  CO_TRY(co_await parts.runtime.blocking(restore_all));
  co_return added;
}

}  // namespace banger::image::oci
