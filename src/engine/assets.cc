#include "engine/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace banger::engine {

namespace {

image::StageProgress reported_by(Stages& stages, std::string prefix) {
  return [&stages, prefix = std::move(prefix), last = std::string()](std::string_view stage, std::string_view detail,
                                                                     int percent) mutable {
    auto name = fmt::format("{}: {}", prefix, stage);
    if (name != last)
      stages.begin(name, detail);
    else
      stages.detail(detail, percent);
    last = name;
  };
}

// Two creates at the same time make the asset only once. A missing asset that cannot be made is `not_found`.
template <class Asset>
Task<Result<Asset>> find_or_make(std::function<Result<Asset>()> find, std::function<bool()> can_make,
                                 host::Mutex& making, std::function<Task<Result<Asset>>()> make) {
  auto found = find();
  if (found || found.error().code != ErrorCode::not_found || !can_make()) co_return found;
  auto turn = co_await making.lock();
  found = find();
  if (found) co_return found;
  co_return co_await make();
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
  auto find = [&] { return services.images.get(name); };
  auto has_recipe = [&] {
    return std::ranges::any_of(services.images.recipes(), [&](const auto& recipe) { return recipe.name == name; });
  };
  auto found = find();
  if (found || found.error().code != ErrorCode::not_found) co_return found;
  if (services.puller && !has_recipe()) co_return co_await pull_image(services, name, found.error(), stages, cancel);
  auto build = [&]() -> Task<Result<image::Image>> {
    auto built = co_await services.images.build(name, reported_by(stages, fmt::format("image {}", name)), cancel);
    stages.end();
    co_return in(fmt::format("build image '{}'", name), std::move(built));
  };
  co_return co_await find_or_make<image::Image>(find, has_recipe, services.building_image, build);
}

Task<Result<image::Kernel>> ensure_kernel(Services& services, std::string name, Stages& stages, host::Cancel& cancel) {
  auto find = [&] { return services.kernels.get(name); };
  auto can_pull = [&] {
    return std::ranges::any_of(services.kernels.pullable(), [&](const auto& pullable) { return pullable == name; });
  };
  auto pull = [&]() -> Task<Result<image::Kernel>> {
    auto pulled = co_await services.kernels.pull(name, reported_by(stages, fmt::format("kernel {}", name)), cancel);
    stages.end();
    co_return in(fmt::format("pull kernel '{}'", name), std::move(pulled));
  };
  co_return co_await find_or_make<image::Kernel>(find, can_pull, services.pulling_kernel, pull);
}

}  // namespace banger::engine
