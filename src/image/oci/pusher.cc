#include "image/oci/pusher.h"

#include <fmt/format.h>

#include <atomic>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/oci/bounds.h"
#include "image/oci/documents.h"
#include "image/oci/layer_file.h"

namespace banger::image::oci {

struct Pusher::Blob {
  std::string what;  ///< for errors
  Descriptor descriptor;
  std::string text = {};
  std::optional<UniqueFd> file = {};  ///< neither: only the registry may have it
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
  std::string mount_from = {};  ///< a repository of the same registry that the layers came from
  std::uint64_t sent_bytes = 0;
};

namespace {

std::string document_path(const Image& image, std::string_view name) {
  return fmt::format("{}/{}", image.rootfs.substr(0, image.rootfs.rfind('/')), name);
}

/// The repository that the image was pulled from, if this registry has it.
std::string source_in(const Image& image, const Reference& target) {
  constexpr std::string_view kPrefix = "registry:";
  if (!image.source.starts_with(kPrefix)) return "";
  auto source = parse_reference(image.source.substr(kPrefix.size()));
  bool same = source && source->registry == target.registry && source->repository != target.repository;
  return same ? source->repository : "";
}

/// The making of a layer, which blocks on the pool while a coroutine watches.
struct Making {
  explicit Making(host::Runtime& runtime) : done(runtime) {}
  std::string rootfs, directory;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<bool> cancelled = false;
  host::Event done;
  std::optional<Result<LayerFile>> result = {};  ///< control thread only
};

Task<> make(std::shared_ptr<Making> making, host::Runtime& runtime) {
  auto result = co_await runtime.blocking([&] {
    return oci::make_layer(making->rootfs, making->directory, [&](std::uint64_t bytes) -> Result<> {
      making->bytes = bytes;
      if (making->cancelled) return fail(ErrorCode::cancelled, "cancelled");
      return {};
    });
  });
  making->result = std::move(result);
  making->done.notify_all();
}

}  // namespace

Pusher::Pusher(host::Runtime& runtime, Transport& transport, CredentialSources credentials,
               const std::string& cache_directory, PullSettings settings)
    : runtime_(runtime),
      transport_(transport),
      credentials_(std::move(credentials)),
      cache_(cache_directory),
      cache_directory_(cache_directory),
      settings_(std::move(settings)) {}

Task<Result<>> Pusher::make_layer(Job& job) {
  auto making = std::make_shared<Making>(runtime_);
  making->rootfs = job.image.rootfs;
  making->directory = cache_directory_;
  runtime_.spawn(make(making, runtime_));
  while (!making->result) {
    (void)co_await making->done.wait(host::after(limits::kToolTick));
    making->cancelled = job.cancel.requested();
    job.progress("pack", format_size(making->bytes), -1);
  }
  auto layer = CO_TRY(std::move(*making->result));
  CO_TRY(job.cancel.check());
  auto config = write_config(job.image, layer.diff_id);
  Descriptor described{.digest = Digest::of(config), .size = config.size()};
  job.manifest = write_manifest(described, layer.descriptor);
  job.blobs.push_back({.what = "the layer", .descriptor = layer.descriptor, .file = std::move(layer.fd)});
  job.blobs.push_back({.what = "the config", .descriptor = described, .text = std::move(config)});
  co_return Result<>();
}

/// The documents as their registry gave them, so that the image keeps its digest.
Task<Result<>> Pusher::read_pulled(Job& job) {
  job.manifest = CO_TRY(host::read_file(document_path(job.image, "oci-manifest.json"), limits::kOciManifestBytes));
  auto config = CO_TRY(host::read_file(document_path(job.image, "oci-config.json"), limits::kOciManifestBytes));
  auto document = CO_TRY(in("the image's manifest", parse_document(job.manifest, kOciManifest)));
  auto* manifest = std::get_if<Manifest>(&document);
  if (!manifest) co_return fail(ErrorCode::corrupt, "the image's manifest is an index", "pull the image again");
  job.media_type = manifest_type(job.manifest);
  job.mount_from = source_in(job.image, job.reference);
  for (const auto& layer : manifest->layers) {
    // A damaged layer is as good as none, and the registry may have it.
    auto file = cache_.open(layer).value_or(std::nullopt);
    job.blobs.push_back({.what = "layer " + layer.digest.brief(), .descriptor = layer, .file = std::move(file)});
  }
  job.blobs.push_back({.what = "the config", .descriptor = manifest->config, .text = std::move(config)});
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
  CO_TRY(co_await job.registry.put_blob(blob.descriptor, std::move(content), job.mount_from, sent));
  job.sent_bytes += size;
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
  CO_TRY(in(context, job.image.pulled.digest.empty() ? co_await make_layer(job) : co_await read_pulled(job)));
  CO_TRY(in(context, co_await send_all(job)));
  co_return PushResult{.name = reference.canonical(), .digest = Digest::of(job.manifest), .sent_bytes = job.sent_bytes};
}

}  // namespace banger::image::oci
