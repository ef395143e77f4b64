#include "engine/assets.h"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

Task<Result<image::Image>> ensure_image(Services& services, std::string name, Stages& stages, host::Cancel& cancel) {
  auto has_recipe = [&] {
    auto recipes = services.images.recipes();
    return std::any_of(recipes.begin(), recipes.end(), [&](const auto& recipe) { return recipe.name == name; });
  };
  auto found = services.images.get(name);
  if (found || found.error().code != ErrorCode::not_found || !has_recipe()) co_return found;
  // Two creates at the same time build the image only once.
  auto turn = co_await services.building_image.lock();
  found = services.images.get(name);
  if (found) co_return found;
  auto built = co_await services.images.build(name, reported_by(stages, fmt::format("image {}", name)), cancel);
  stages.end();
  co_return in(fmt::format("build image '{}'", name), std::move(built));
}

Task<Result<image::Kernel>> ensure_kernel(Services& services, std::string name, Stages& stages, host::Cancel& cancel) {
  auto can_pull = [&] {
    auto names = services.kernels.pullable();
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  auto found = services.kernels.get(name);
  if (found || found.error().code != ErrorCode::not_found || !can_pull()) co_return found;
  auto turn = co_await services.pulling_kernel.lock();
  found = services.kernels.get(name);
  if (found) co_return found;
  auto pulled = co_await services.kernels.pull(name, reported_by(stages, fmt::format("kernel {}", name)), cancel);
  stages.end();
  co_return in(fmt::format("pull kernel '{}'", name), std::move(pulled));
}

}  // namespace banger::engine
