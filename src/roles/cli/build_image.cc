#include "roles/cli/build_image.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "host/runtime.h"
#include "image/store.h"
#include "roles/cli/progress.h"

namespace banger::roles::cli {

namespace {

Task<> cancel_when_readable(host::Runtime& runtime, int fd, host::Cancel& cancel) {
  auto asked = co_await host::wait_readable(runtime, fd);
  if (asked && *asked) cancel.request();
}

Task<> build(host::Runtime& runtime, image::ImageStore& store, std::string name, image::StageProgress progress,
             host::Cancel& cancel, std::optional<Result<image::Image>>& built) {
  built.emplace(co_await store.build(std::move(name), std::move(progress), cancel));
  runtime.stop();
}

/// Returns the id of the new image. `cancelled` when `interrupt_fd` becomes readable.
Result<std::string> build_image_here(const Io& io, const std::string& name, int interrupt_fd) {
  auto paths = TRY(host::find_paths(io.env));
  host::Runtime runtime;
  host::Cancel cancel(runtime);
  image::ImageStore store(runtime, paths.images(), paths.cache,
                          io.env("PATH").value_or("/usr/local/bin:/usr/bin:/bin"));
  std::optional<Result<image::Image>> built;
  Progress shown(io);
  auto progress = [&](std::string_view stage, std::string_view detail, int percent) {
    shown.update({std::string(stage), std::string(detail), percent});
  };
  runtime.spawn(cancel_when_readable(runtime, interrupt_fd, cancel));
  runtime.spawn(build(runtime, store, name, progress, cancel, built));
  runtime.run();
  return TRY(std::move(*built)).id;
}

}  // namespace

Result<api::ImageObject> build_recipe(Io& io, Daemon& daemon, const std::string& name) {
  auto built = daemon.get<api::ImageObject>("image.build", {{"name", name}});
  if (built || built.error().code != ErrorCode::unsupported) return built;
  auto id = TRY(build_image_here(io, name, daemon.signals().fd()));
  return daemon.get<api::ImageObject>("image.show", {{"image", id}});
}

}  // namespace banger::roles::cli
