#include "image/oci/layer_downloads.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace {

/// What the coroutines of one image share. fetch_layers() waits for all of them, so references stay good.
struct Group {
  BlobParts parts;
  BlobOrigin origin;
  std::vector<Descriptor> layers;
  host::Cancel cancel;  ///< requested when the caller goes away, or when one layer fails
  host::Event changed;
  std::vector<LayerProgress> progress = {};
  std::vector<UniqueFd> blobs = {};
  std::size_t next = 0, running = 0;
  Result<> failure = {};
};

void take(LayerProgress& layer, std::uint64_t bytes) {
  if (!layer.heard || layer.done_bytes != bytes) layer.heard = host::Clock::now();
  layer.done_bytes = bytes;
}

BlobOrigin layers_of(Registry& registry) {
  return {.what = "layer",
          .publisher = "who runs the registry",
          .download = [&registry](Descriptor layer, http::Download download, host::Cancel& cancel) {
            return registry.download(std::move(layer), std::move(download), cancel);
          }};
}

Task<> work(Group* group) {
  while (group->next < group->layers.size() && group->failure && !group->cancel.requested()) {
    auto number = group->next++;
    auto& state = group->progress[number];
    state.running = true;
    auto blob = co_await fetch_blob(
        group->parts, group->origin, group->layers[number], [&state](std::uint64_t bytes) { take(state, bytes); },
        group->cancel);
    state.running = false;
    if (blob) {
      group->blobs[number] = std::move(*blob);
    } else if (group->failure) {
      group->failure = std::unexpected(std::move(blob).error());
      group->cancel.request();
    }
  }
  --group->running;
  group->changed.notify_all();
}

std::uint64_t sum(const std::vector<LayerProgress>& layers, std::uint64_t LayerProgress::* member) {
  std::uint64_t total = 0;
  for (const auto& layer : layers) total += layer.*member;
  return total;
}

int percent(std::uint64_t done, std::uint64_t total) {
  return total == 0 ? 100 : static_cast<int>(static_cast<double>(done) * 100 / static_cast<double>(total));
}

/// How long a download gets nothing; zero if that is too short to tell.
std::chrono::seconds silence(const LayerProgress& layer, host::Deadline now) {
  if (!layer.running || !layer.heard || layer.done_bytes == layer.size_bytes) return {};
  auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - *layer.heard);
  return silent < limits::kSilenceShown ? std::chrono::seconds() : silent;
}

}  // namespace

std::string progress_text(const std::vector<LayerProgress>& layers, host::Deadline now) {
  auto complete = std::ranges::count_if(layers, [](const auto& one) { return one.done_bytes == one.size_bytes; });
  auto text = fmt::format("{} of {} layers, {} of {}", complete, layers.size(),
                          format_size(sum(layers, &LayerProgress::done_bytes)),
                          format_size(sum(layers, &LayerProgress::size_bytes)));
  std::vector<std::string> running;
  std::chrono::seconds silent{};
  for (const auto& layer : layers) {
    if (!layer.running) continue;
    running.push_back(fmt::format("{} {}%", layer.digest.brief(), percent(layer.done_bytes, layer.size_bytes)));
    silent = std::max(silent, silence(layer, now));
  }
  if (!running.empty()) text += fmt::format(" ({})", join(running, ", "));
  if (silent.count() > 0)
    text += fmt::format("; the registry has sent nothing for {} s, and banger waits for {} s", silent.count(),
                        limits::kSilenceMost.count());
  return text;
}

int progress_percent(const std::vector<LayerProgress>& layers) {
  return percent(sum(layers, &LayerProgress::done_bytes), sum(layers, &LayerProgress::size_bytes));
}

Task<Result<std::vector<UniqueFd>>> fetch_layers(BlobParts parts, Registry& registry, std::vector<Descriptor> layers,
                                                 StageProgress progress, host::Cancel& caller) {
  Group group{.parts = parts,
              .origin = layers_of(registry),
              .layers = std::move(layers),
              .cancel = host::Cancel(parts.runtime),
              .changed = host::Event(parts.runtime)};
  for (const auto& layer : group.layers) group.progress.push_back({.digest = layer.digest, .size_bytes = layer.size});
  group.blobs.resize(group.layers.size());
  group.running = std::min(limits::kParallelLayers, group.layers.size());
  for (std::size_t i = group.running; i > 0; --i) parts.runtime.spawn(work(&group));
  while (group.running > 0) {
    progress("download", progress_text(group.progress, host::Clock::now()), progress_percent(group.progress));
    (void)co_await group.changed.wait(host::after(limits::kPullTick));
    if (caller.requested()) group.cancel.request();
  }
  CO_TRY(caller.check());
  CO_TRY(std::move(group.failure));
  co_return std::move(group.blobs);
}

}  // namespace banger::image::oci
