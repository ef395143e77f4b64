#include "image/oci/puller.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/names.h"
#include "image/oci/bounds.h"
#include "image/oci/config.h"
#include "image/pulled_documents.h"

namespace banger::image::oci {

/// The right to pull one image. Its end takes the progress away that others see.
struct Puller::Turn {
  KeyedLocks::Lock lock;
  std::map<std::string, Shown>* shown;
  std::string key;

  Turn(KeyedLocks::Lock held, std::map<std::string, Shown>& all, std::string of)
      : lock(std::move(held)), shown(&all), key(std::move(of)) {}
  Turn(Turn&& other) noexcept
      : lock(std::move(other.lock)), shown(std::exchange(other.shown, nullptr)), key(std::move(other.key)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (shown) shown->erase(key);
  }
};

/// One pull. pull() owns it for the whole time.
struct Puller::Job {
  Reference reference;
  StageProgress progress;
  host::Cancel& cancel;
  Registry registry;
  std::optional<Digest> digest = {};             ///< of the document that the reference means
  std::optional<FetchedDocument> document = {};  ///< the manifest for this platform
  std::optional<Manifest> manifest = {};
  std::string config_text = {};
  ImageConfig config = {};
};

namespace {

/// Keeps prune away from the layers of a running pull.
class Needed {
 public:
  Needed(std::multiset<std::string>& all, const std::vector<Descriptor>& layers) : all_(all) {
    for (const auto& layer : layers) mine_.push_back(all_.insert(layer.digest.hex()));
  }
  Needed(const Needed&) = delete;
  Needed& operator=(const Needed&) = delete;
  ~Needed() {
    for (auto one : mine_) all_.erase(one);
  }

 private:
  std::multiset<std::string>& all_;
  std::vector<std::multiset<std::string>::iterator> mine_;
};

}  // namespace

Puller::Puller(host::Runtime& runtime, ImageStore& images, Transport& transport, CredentialSources credentials,
               const std::string& cache_directory, PullSettings settings)
    : runtime_(runtime),
      images_(images),
      transport_(transport),
      credentials_(std::move(credentials)),
      cache_(cache_directory),
      settings_(std::move(settings)),
      images_in_work_(runtime),
      blobs_in_work_(runtime) {}

Result<std::vector<UnusedBlob>> Puller::unused() const {
  std::set<std::string> used(needed_.begin(), needed_.end());
  for (const auto& image : TRY(images_.list()))
    for (const auto& layer : base_of(image).layers) used.insert(TRY(Digest::parse(layer.digest)).hex());
  return cache_.unused(used);
}

Result<std::optional<Image>> Puller::find(const Digest& digest) const {
  for (const auto& image : TRY(images_.list()))
    if (image.pulled.digest == digest.text() || image.pulled.manifest == digest.text()) return image;
  return std::nullopt;
}

Result<PullResult> Puller::reuse(const Job& job, Image image) {
  auto before = image;
  add_name(image, job.reference.canonical());
  // An index with new images for other platforms has a new digest. The next pull then knows it at once.
  if (image.pulled.manifest != job.digest->text()) image.pulled.digest = job.digest->text();
  if (image != before) image = TRY(images_.update(image));
  return PullResult{.name = job.reference.canonical(), .image = std::move(image), .already = true};
}

Task<Result<Puller::Turn>> Puller::take_turn(std::string key, StageProgress& progress, host::Cancel& cancel) {
  auto waiting = [&] {
    auto other = shown_.find(key);
    if (other != shown_.end()) progress(other->second.stage, other->second.text, other->second.percent);
  };
  auto lock = CO_TRY(co_await images_in_work_.lock(key, cancel, waiting));
  progress = [this, key, report = std::move(progress)](std::string_view stage, std::string_view words, int percent) {
    shown_.insert_or_assign(key, Shown{std::string(stage), std::string(words), percent});
    report(stage, words, percent);
  };
  co_return Turn(std::move(lock), shown_, std::move(key));
}

Task<Result<PullResult>> Puller::pull(std::string text, Cached cached, StageProgress progress, host::Cancel& cancel) {
  auto reference = CO_TRY(parse_reference(text, settings_.default_registry));
  auto name = reference.canonical();
  auto turn = CO_TRY(co_await take_turn(name, progress, cancel));
  progress("resolve", name, -1);
  RegistryParts parts{runtime_, transport_, credentials_, settings_.insecure, tokens_};
  Job job{.reference = reference,
          .progress = std::move(progress),
          .cancel = cancel,
          .registry = Registry(parts, reference, cancel)};
  co_return in(fmt::format("pull '{}'", name), co_await run(job, cached));
}

Task<Result<PullResult>> Puller::run(Job& job, Cached cached) {
  job.digest = CO_TRY(co_await job.registry.resolve());
  if (cached == Cached::use)
    if (auto there = CO_TRY(find(*job.digest))) co_return reuse(job, std::move(*there));
  CO_TRY(co_await choose_manifest(job));
  // Two names of one image may be pulled at the same time.
  auto turn = CO_TRY(co_await take_turn(job.document->digest.hex(), job.progress, job.cancel));
  if (cached == Cached::use)
    if (auto there = CO_TRY(find(job.document->digest))) co_return reuse(job, std::move(*there));
  job.config_text = CO_TRY(co_await job.registry.blob(job.manifest->config, "config"));
  job.config = CO_TRY(in("read the image's config", parse_image_config(job.config_text, job.manifest->layers.size())));
  co_return co_await make(job, cached);
}

/// Goes from the reference's document to the manifest for this platform.
Task<Result<>> Puller::choose_manifest(Job& job) {
  auto digest = *job.digest;
  for (int depth = 0; depth <= limits::kIndexDepth; ++depth) {
    auto fetched = CO_TRY(co_await job.registry.document(digest));
    auto document = CO_TRY(in("read the image's manifest", parse_document(fetched.body, fetched.content_type)));
    if (auto* manifest = std::get_if<Manifest>(&document)) {
      job.document = std::move(fetched);
      job.manifest = std::move(*manifest);
      co_return Result<>();
    }
    digest = CO_TRY(choose_platform(std::get<Index>(document))).digest;
  }
  co_return fail(ErrorCode::invalid, fmt::format("its index leads through more than {} indexes", limits::kIndexDepth),
                 "ask who publishes the image");
}

Task<Result<PullResult>> Puller::make(Job& job, Cached cached) {
  const auto& layers = job.manifest->layers;
  Needed needed(needed_, layers);
  if (cached == Cached::ignore) CO_TRY(co_await check_cached(layers, job.cancel));
  auto image = co_await assemble(job);
  // A cached layer may be damaged, or may have another size than this manifest says. Only its digest tells which.
  // A damaged one is fetched again, once.
  if (!image && image.error().code == ErrorCode::corrupt && CO_TRY(co_await check_cached(layers, job.cancel)))
    image = co_await assemble(job);
  co_return PullResult{.name = job.reference.canonical(), .image = CO_TRY(std::move(image)), .already = false};
}

Task<Result<bool>> Puller::check_cached(const std::vector<Descriptor>& layers, host::Cancel& cancel) {
  auto check = [&](const StopFlag* stop) {
    bool removed = false;
    for (const auto& layer : layers) removed = cache_.remove_damaged(layer.digest, stop) || removed;
    return removed;
  };
  bool removed = co_await stoppable(runtime_, cancel, check);
  CO_TRY(cancel.check());
  co_return removed;
}

Task<Result<Image>> Puller::assemble(Job& job) {
  BlobParts parts{.runtime = runtime_, .cache = cache_, .locks = blobs_in_work_};
  const auto& layers = job.manifest->layers;
  CO_TRY(check_space(cache_, layers, "the layers need"));
  auto blobs = CO_TRY(co_await fetch_layers(parts, job.registry, layers, job.progress, job.cancel));
  auto name = job.reference.canonical();
  LayeredImage made{.image = {.name = name, .source = "registry:" + name, .kernel = std::string(kDefaultKernel)},
                    .max_unpacked_bytes = settings_.max_unpacked_bytes,
                    .documents = {.manifest = job.document->body, .config = job.config_text}};
  made.image.run_config = job.config.run;
  made.image.pulled.digest = job.digest->text();
  made.image.pulled.manifest = job.document->digest.text();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto digest = layers[i].digest.text();
    made.image.pulled.layers.push_back({.digest = digest, .size_bytes = layers[i].size});
    made.layers.push_back({.fd = blobs[i].get(), .digest = digest, .diff_id = job.config.diff_ids[i].text()});
  }
  co_return co_await images_.add_layers(std::move(made), std::move(blobs), job.progress, job.cancel);
}

}  // namespace banger::image::oci
