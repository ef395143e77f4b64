#include "engine/assets.h"

#include <fmt/format.h>

namespace banger::engine {

namespace {

image::StageProgress reported_by(Stages& stages, std::string prefix) {
  return [&stages, prefix = std::move(prefix), last = std::string()](std::string_view stage, std::string_view detail,
                                                                     int percent) mutable {
    if (stage == image::kWarningStage) return stages.warn(detail);
    auto name = fmt::format("{}: {}", prefix, stage);
    if (name != last)
      stages.begin(name, detail);
    else
      stages.detail(detail, percent);
    last = name;
  };
}

/// Pulls an image that is not here. `missing` is the error without a pull.
Task<Result<image::Image>> pull_image(Services& services, std::string name, Error missing, Stages& stages,
                                      host::Cancel& cancel) {
  auto report = reported_by(stages, fmt::format("image {}", name));
  auto pulled = co_await services.puller->pull(name, image::oci::Cached::use, report, cancel);
  stages.end();
  if (pulled) co_return std::move(pulled->image);
  // A plain name may be a misspelt name of an image that is here.
  bool plain = name.find_first_of("/:@") == std::string::npos;
  bool unknown = pulled.error().code != ErrorCode::cancelled;
  if (plain && unknown && !missing.hint.empty())
    co_return fail(pulled.error().code, fmt::format("{}, and {}", missing.message, pulled.error().message),
                   missing.hint);
  co_return std::unexpected(std::move(pulled).error());
}

}  // namespace

Task<Result<image::Image>> ensure_image(Services& services, std::string name, Stages& stages, host::Cancel& cancel) {
  auto found = services.images.get(name);
  if (found) CO_TRY(check_host_file(*found));
  if (found || found.error().code != ErrorCode::not_found) co_return found;
  if (services.catalog) {
    auto report = reported_by(stages, fmt::format("image {}", name));
    auto pulled = co_await services.catalog->pull_image(name, image::catalog::Enough::any, report, cancel);
    stages.end();
    if (auto image = CO_TRY(std::move(pulled))) co_return std::move(image->image);
  }
  if (services.puller) co_return co_await pull_image(services, name, found.error(), stages, cancel);
  co_return found;
}

Task<Result<image::Kernel>> ensure_kernel(Services& services, std::string name, Stages& stages, host::Cancel& cancel) {
  auto found = services.kernels.get(name);
  if (found || found.error().code != ErrorCode::not_found || !services.catalog) co_return found;
  auto report = reported_by(stages, fmt::format("kernel {}", name));
  auto pulled = co_await services.catalog->pull_kernel(name, image::catalog::Enough::any, report, cancel);
  stages.end();
  if (auto kernel = CO_TRY(std::move(pulled))) co_return std::move(*kernel);
  co_return found;
}

}  // namespace banger::engine
