#include "image/oci/pusher.h"

#include <fmt/format.h>

#include <atomic>

#include "base/text.h"
#include "image/oci/documents.h"
#include "image/pulled_documents.h"
#include "image/stoppable.h"

namespace banger::image::oci {

struct Pusher::Blob {
  std::string what;  ///< for errors
  Descriptor descriptor;
  std::string text = {};
  std::optional<UniqueFd> file = {};  ///< neither: only the registry may have it
  std::string mount_from = {};        ///< a repository of the same registry that has the blob
};

/// One push. push() owns it for the whole time.
struct Pusher::Job {
  Reference reference;
  Image image;
  StageProgress progress;
  host::Cancel& cancel;
  Registry registry;
  std::vector<Blob> blobs = {};
  std::string manifest = {}, media_type = std::string(kOciManifest);
  std::uint64_t sent_bytes = 0, layers = 0;
  std::string note = {};
};

namespace {

/// The repository of an image's source, if it is another one of the same registry.
std::string source_in(const std::string& image_source, const Reference& target) {
  constexpr std::string_view kPrefix = "registry:";
  if (!image_source.starts_with(kPrefix)) return "";
  auto source = parse_reference(image_source.substr(kPrefix.size()));
  bool same = source && source->registry == target.registry && source->repository != target.repository;
  return same ? source->repository : "";
}

}  // namespace

Pusher::Pusher(host::Runtime& runtime, const ImageStore& images, Transport& transport, CredentialSources credentials,
               const std::string& cache_directory, PullSettings settings)
    : runtime_(runtime),
      images_(images),
      transport_(transport),
      credentials_(std::move(credentials)),
      cache_(cache_directory),
      cache_directory_(cache_directory),
      settings_(std::move(settings)) {}

Task<Result<LayerFile>> Pusher::pack(Job& job, LayerContent content) {
  std::atomic<std::uint64_t> packed = 0;
  auto work = [&](const StopFlag* stop) { return make_layer(content, cache_directory_, packed, stop); };
  auto watch = [&] {
    job.progress("pack", format_size(packed), -1);
    return true;
  };
  auto layer = co_await stoppable(runtime_, job.cancel, work, watch);
  CO_TRY(job.cancel.check());
  co_return layer;
}

/// Without the base, the image becomes one layer, and the caller gets the reason.
Task<Result<std::optional<PushBase>>> Pusher::find_base(Job& job) {
  if (job.image.base.manifest.empty()) co_return std::nullopt;
  PushBaseParts parts{runtime_, images_, cache_, job.registry, settings_.max_unpacked_bytes};
  auto base = co_await find_push_base(parts, job.image, job.progress, job.cancel);
  CO_TRY(job.cancel.check());
  if (base) co_return std::move(*base);
  job.note = fmt::format("the image is one layer, without those of its base {}: {}", job.image.base.source,
                         base.error().sentence());
  co_return std::nullopt;
}

Task<Result<>> Pusher::make_layers(Job& job) {
  CO_TRY(check_host_file(job.image));
  auto base = CO_TRY(co_await find_base(job));
  auto layer = co_await pack(job, {.rootfs = job.image.rootfs, .base_rootfs = base ? base->tree.rootfs : ""});
  std::vector<Descriptor> layers;
  std::vector<Digest> diff_ids;
  std::string base_config;
  if (base) {
    auto mount_from = source_in(job.image.base.source, job.reference);
    for (std::size_t i = 0; i < base->layers.size(); ++i)
      job.blobs.push_back({.what = "layer " + base->layers[i].digest.brief(),
                           .descriptor = base->layers[i],
                           .file = std::move(base->files[i]),
                           .mount_from = mount_from});
    layers = base->layers;
    diff_ids = base->diff_ids;
    base_config = base->config;
    (void)co_await runtime_.blocking([tree = std::move(base->tree)]() mutable {
      tree.made.reset();
      return true;
    });
  }
  if (!layer) co_return std::unexpected(std::move(layer).error());
  CO_TRY(check_host_file(job.image));  // it may have changed while it was packed
  layers.push_back(layer->descriptor);
  diff_ids.push_back(layer->diff_id);
  auto config = write_config(job.image, diff_ids, base_config);
  Descriptor described{.digest = Digest::of(config), .size = config.size()};
  job.manifest = write_manifest(described, layers);
  job.layers = layers.size();
  job.blobs.push_back({.what = "the layer", .descriptor = layer->descriptor, .file = std::move(layer->fd)});
  job.blobs.push_back({.what = "the config", .descriptor = described, .text = std::move(config)});
  co_return Result<>();
}

/// The documents as their registry gave them, so that the image keeps its digest.
Task<Result<>> Pusher::read_pulled(Job& job) {
  auto documents = CO_TRY(read_documents(job.image));
  job.manifest = std::move(documents.manifest);
  auto document = CO_TRY(in("the image's manifest", parse_document(job.manifest, kOciManifest)));
  auto* manifest = std::get_if<Manifest>(&document);
  if (!manifest) co_return fail(ErrorCode::corrupt, "the image's manifest is an index", "pull the image again");
  job.media_type = manifest_type(job.manifest);
  job.layers = manifest->layers.size();
  auto mount_from = source_in(job.image.source, job.reference);
  for (const auto& layer : manifest->layers) {
    // A damaged layer is as good as none, and the registry may have it.
    auto file = cache_.open(layer).value_or(std::nullopt);
    job.blobs.push_back({.what = "layer " + layer.digest.brief(),
                         .descriptor = layer,
                         .file = std::move(file),
                         .mount_from = mount_from});
  }
  job.blobs.push_back({.what = "the config", .descriptor = manifest->config, .text = std::move(documents.config)});
  co_return Result<>();
}

Task<Result<>> Pusher::send(Job& job, Blob& blob) {
  if (CO_TRY(co_await job.registry.has_blob(blob.descriptor.digest))) co_return Result<>();
  if (!blob.file && blob.text.empty())
    co_return fail(ErrorCode::not_found, fmt::format("{} is no longer in the cache", blob.what),
                   fmt::format("fetch it again: banger image pull --force {}", job.image.name));
  BlobContent content{.text = blob.text};
  if (blob.file) content.file = http::FileBody{.fd = blob.file->get(), .size_bytes = blob.descriptor.size};
  auto size = blob.descriptor.size;
  auto sent = [&job, size](std::uint64_t bytes) {
    job.progress("upload", fmt::format("{} of {}", format_size(bytes), format_size(size)),
                 size ? static_cast<int>(bytes * 100 / size) : -1);
  };
  auto given = CO_TRY(co_await job.registry.put_blob(blob.descriptor, std::move(content), blob.mount_from, sent));
  if (given == Given::sent) job.sent_bytes += size;
  co_return Result<>();
}

Task<Result<>> Pusher::send_all(Job& job) {
  for (auto& blob : job.blobs) {
    CO_TRY(job.cancel.check());
    CO_TRY(co_await send(job, blob));
  }
  co_return co_await job.registry.put_manifest(job.manifest, job.media_type);
}

Task<Result<PushResult>> Pusher::push(Image image, std::string text, StageProgress progress, host::Cancel& cancel) {
  auto reference = CO_TRY(parse_reference(text, settings_.default_registry));
  if (reference.digest)
    co_return fail(ErrorCode::invalid, fmt::format("'{}' has a digest, and only content decides its digest", text),
                   "push to a tag");
  auto context = fmt::format("push '{}'", reference.canonical());
  RegistryParts parts{runtime_, transport_, credentials_, settings_.insecure, tokens_};
  Job job{.reference = reference,
          .image = std::move(image),
          .progress = std::move(progress),
          .cancel = cancel,
          .registry = Registry(parts, reference, cancel)};
  CO_TRY(in(context, job.image.pulled.digest.empty() ? co_await make_layers(job) : co_await read_pulled(job)));
  CO_TRY(in(context, co_await send_all(job)));
  co_return PushResult{.name = reference.canonical(),
                       .digest = Digest::of(job.manifest),
                       .sent_bytes = job.sent_bytes,
                       .layers = job.layers,
                       .note = std::move(job.note)};
}

}  // namespace banger::image::oci
