#include "image/catalog/puller.h"

#include <fmt/format.h>

#include <algorithm>

#include "image/catalog/bundle_origin.h"
#include "image/catalog/sources.h"
#include "image/names.h"
#include "image/staged_directory.h"

namespace banger::image::catalog {

namespace {

/// The source that an image or a kernel from this bundle has in its manifest.
std::string mark_of(const Source& bundle) { return "catalog:" + bundle.sha256.substr(0, 12); }

/// Whether the same bundle, or for an image the same recipe, would be used again.
bool is_current(const Entry& entry, std::string_view source) {
  return std::ranges::any_of(entry.sources, [&](const Source& one) {
    if (one.kind == SourceKind::bundle) return source == mark_of(one);
    return one.kind == SourceKind::packages && source == "recipe:" + entry.name;
  });
}

bool is_enough(const Entry& entry, Enough enough, std::string_view source) {
  return enough == Enough::any || (enough == Enough::current && is_current(entry, source));
}

std::function<void(std::string_view)> warn(const StageProgress& progress) {
  return [&progress](std::string_view text) { progress(kWarningStage, text, -1); };
}

}  // namespace

CatalogPuller::CatalogPuller(Makers makers, const std::string& cache_directory, Settings settings)
    : makers_(makers),
      cache_(cache_directory),
      reader_(makers.runtime, makers.transport, std::move(settings)),
      entries_in_work_(makers.runtime),
      bundles_in_work_(makers.runtime) {}

Task<Result<std::optional<CatalogPuller::Job>>> CatalogPuller::find(BundleKind kind, std::string name, Enough enough,
                                                                    StageProgress progress, host::Cancel& cancel) {
  if (!check_store_name("entry", name)) co_return std::nullopt;
  auto published = CO_TRY(co_await reader_.read(cancel));
  const auto* entry = find_entry(published.catalog, kind, name);
  if (!entry) co_return std::nullopt;
  co_return Job{.entry = *entry,
                .place = std::move(published.place),
                .leads = published.leads,
                .enough = enough,
                .progress = std::move(progress),
                .cancel = cancel};
}

template <class Asset>
Task<Result<Asset>> CatalogPuller::from_bundle(Job& job, Source source,
                                               std::function<Task<Result<Asset>>(UniqueFd)> import) {
  auto place = CO_TRY(resolve(job.place, source.location));
  auto context = fmt::format("fetch the bundle {}", to_string(place));
  oci::Descriptor bundle{.digest = oci::Digest::of_hex(source.sha256), .size = source.size_bytes};
  CO_TRY(oci::check_space(cache_, {bundle}, "the bundle needs"));
  oci::BlobParts parts{.runtime = makers_.runtime, .cache = cache_, .locks = bundles_in_work_};
  auto origin = bundle_at(makers_.runtime, makers_.transport, std::move(place), job.leads);
  auto report = [&job, size = source.size_bytes](std::uint64_t done) {
    job.progress("download", progress_text(done, size), static_cast<int>(done * 100 / size));
  };
  // A file that was there before may be the layer of an image.
  bool was_there = CO_TRY(cache_.open(bundle)).has_value();
  auto file = CO_TRY(in(context, co_await oci::fetch_blob(parts, origin, bundle, report, job.cancel)));
  auto made = co_await import(std::move(file));
  // Of a caller who goes away and comes back, nothing is fetched twice.
  if (!was_there && (made || made.error().code != ErrorCode::cancelled)) cache_.remove(bundle.digest);
  co_return made;
}

std::optional<Image> CatalogPuller::image_here(const Job& job) const {
  auto image = makers_.images.get(job.entry.name);
  if (!image || !has_name(*image, job.entry.name)) return std::nullopt;
  return is_enough(job.entry, job.enough, image->source) ? std::optional(std::move(*image)) : std::nullopt;
}

std::optional<Kernel> CatalogPuller::kernel_here(const Job& job) const {
  auto kernel = makers_.kernels.get(job.entry.name);
  if (!kernel || !is_enough(job.entry, job.enough, kernel->source)) return std::nullopt;
  return std::move(*kernel);
}

Task<Result<oci::PullResult>> CatalogPuller::make_image(Job& job, Source source) {
  const auto& name = job.entry.name;
  if (source.kind == SourceKind::oci) {
    auto cached = job.enough == Enough::never ? oci::Cached::ignore : oci::Cached::use;
    auto pulled = CO_TRY(co_await makers_.registries.pull(source.reference, cached, job.progress, job.cancel));
    bool named = has_name(pulled.image, name);
    add_name(pulled.image, name);
    if (!named) pulled.image = CO_TRY(makers_.images.update(pulled.image));
    co_return oci::PullResult{.name = name, .image = std::move(pulled.image), .already = pulled.already && named};
  }
  if (source.kind == SourceKind::packages) {
    auto turn = co_await makers_.building_image.lock();
    co_return oci::PullResult{.name = name,
                              .image = CO_TRY(co_await makers_.images.build(name, job.progress, job.cancel))};
  }
  auto import = [&](UniqueFd file) {
    BundleImport how{.name = name, .source = mark_of(source), .taken = NameTaken::replace};
    return makers_.images.import_bundle(std::move(how), std::move(file), job.progress, job.cancel);
  };
  co_return oci::PullResult{.name = name, .image = CO_TRY(co_await from_bundle<Image>(job, source, import))};
}

Task<Result<Kernel>> CatalogPuller::make_kernel(Job& job, Source source) {
  if (source.kind == SourceKind::packages) {
    auto turn = co_await makers_.pulling_kernel.lock();
    auto pulled = co_await makers_.kernels.pull(job.entry.name, job.progress, job.cancel);
    co_return in(fmt::format("pull kernel '{}'", job.entry.name), std::move(pulled));
  }
  auto import = [&](UniqueFd file) {
    BundleImport how{.name = job.entry.name, .source = mark_of(source), .taken = NameTaken::replace};
    return makers_.kernels.import_bundle(std::move(how), std::move(file), job.progress, job.cancel);
  };
  co_return co_await from_bundle<Kernel>(job, source, import);
}

Task<Result<std::optional<oci::PullResult>>> CatalogPuller::pull_image(std::string name, Enough enough,
                                                                       StageProgress progress, host::Cancel& cancel) {
  auto job = CO_TRY(co_await find(BundleKind::image, name, enough, std::move(progress), cancel));
  if (!job) co_return std::nullopt;
  auto turn = CO_TRY(co_await entries_in_work_.lock("image " + name, cancel));
  if (auto here = image_here(*job)) co_return oci::PullResult{.name = name, .image = std::move(*here), .already = true};
  auto make = [&](Source source) { return make_image(*job, std::move(source)); };
  co_return CO_TRY(co_await try_sources<oci::PullResult>(job->entry, make, warn(job->progress), cancel));
}

Task<Result<std::optional<Kernel>>> CatalogPuller::pull_kernel(std::string name, Enough enough, StageProgress progress,
                                                               host::Cancel& cancel) {
  auto job = CO_TRY(co_await find(BundleKind::kernel, name, enough, std::move(progress), cancel));
  if (!job) co_return std::nullopt;
  auto turn = CO_TRY(co_await entries_in_work_.lock("kernel " + name, cancel));
  if (auto here = kernel_here(*job)) co_return std::move(*here);
  auto make = [&](Source source) { return make_kernel(*job, std::move(source)); };
  co_return CO_TRY(co_await try_sources<Kernel>(job->entry, make, warn(job->progress), cancel));
}

}  // namespace banger::image::catalog
