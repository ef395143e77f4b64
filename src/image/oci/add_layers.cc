// ImageStore::add_layers: from open layers to a complete image directory.
#include <fmt/format.h>

#include <atomic>
#include <ctime>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/complete.h"
#include "image/manifest.h"
#include "image/pulled_documents.h"
#include "image/room.h"
#include "image/staged_directory.h"
#include "image/stoppable.h"
#include "image/store.h"

namespace banger::image {

namespace {

/// The writing of a file system, which blocks on the pool while a coroutine watches.
struct Writing {
  explicit Writing(host::Runtime& runtime) : done(runtime) {}
  std::vector<UniqueFd> blobs;
  std::vector<ext4::Layer> layers;
  ext4::LayersOptions options;
  std::string path;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<bool> stop = false;
  host::Event done;
  std::optional<Result<ext4::Ext4Stats>> result = {};  ///< control thread only
};

Task<> write(std::shared_ptr<Writing> writing, host::Runtime& runtime) {
  auto result = co_await runtime.blocking([&] {
    auto progress = [&](std::uint64_t done) { writing->bytes.store(done, std::memory_order_relaxed); };
    return ext4::write_ext4_from_layers(writing->layers, writing->path, writing->options, progress);
  });
  writing->result = std::move(result);
  writing->done.notify_all();
}

std::unexpected<Error> with_way_out(Error error, std::uint64_t limit) {
  if (error.code == ErrorCode::exhausted)
    error = std::move(error).with_hint(fmt::format(
        "free some space, or, if the image is larger than {}, raise max_image_size in the config", format_size(limit)));
  return std::unexpected(std::move(error));
}

}  // namespace

Task<Result<Image>> ImageStore::add_layers(LayeredImage made, std::vector<UniqueFd> blobs, StageProgress progress,
                                           host::Cancel& cancel) {
  auto image = std::move(made.image);
  image.id = host::random_id();
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  std::int64_t timestamp = std::time(nullptr);
  auto writing = std::make_shared<Writing>(runtime_);
  writing->blobs = std::move(blobs);
  writing->layers = std::move(made.layers);
  writing->options = {.ext4 = rootfs_options(image.pulled.manifest, timestamp),
                      .max_unpacked_bytes = made.max_unpacked_bytes};
  writing->options.ext4.stop = &writing->stop;
  writing->path = staged.file("rootfs.ext4");
  runtime_.spawn(write(writing, runtime_));
  std::optional<Error> full;
  while (!writing->result) {
    if (auto room = check_room(directory_); !room && !full) full = room.error();
    if (cancel.requested() || full) writing->stop = true;
    (void)co_await writing->done.wait(host::after(limits::kToolTick));
    progress("write", format_size(writing->bytes), -1);
  }
  CO_TRY(cancel.check());
  if (full) co_return std::unexpected(std::move(*full));
  if (!*writing->result) co_return with_way_out(std::move(*writing->result).error(), made.max_unpacked_bytes);
  progress("finish", "", -1);
  image = CO_TRY(co_await stoppable(runtime_, cancel, [&](const StopFlag* stop) -> Result<Image> {
    TRY(write_documents(staged.path(), made.documents));
    return complete_image(staged, image, timestamp, stop);
  }));
  CO_TRY(cancel.check());
  co_return co_await publish(std::move(staged), std::move(image), NameTaken::replace);
}

}  // namespace banger::image
