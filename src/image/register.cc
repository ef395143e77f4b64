// ImageStore::register_file and ::promote: images that use a file of the host, and how they get a copy of their own.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "ext4/ext4.h"
#include "host/clone.h"
#include "host/files.h"
#include "image/complete.h"
#include "image/host_file.h"
#include "image/manifest.h"
#include "image/room.h"
#include "image/staged_directory.h"
#include "image/stoppable.h"
#include "image/store.h"

namespace banger::image {

namespace {

/// A user's file is never to be deleted, so the hint of the store's own files does not fit.
Result<> check_root(const std::string& path) {
  auto sound = ext4::check_ext4(path);
  if (sound) return {};
  sound.error().hint = "register an ext4 file system that is not mounted; 'banger image import' takes tar files";
  return sound;
}

/// Copies the file and checks that it still has the registered content.
Result<> copy_checked(const Image& image, const StagedDirectory& staged, const StopFlag* stop) {
  auto to = staged.file("rootfs.ext4");
  TRY(host::clone_file(image.host_file->path, to, 0644, [&]() -> Result<> {
    if (requested(stop)) return fail(ErrorCode::cancelled, "cancelled");
    return check_room(staged.path());
  }));
  if (TRY(hash_file(to, stop)) != image.sha256)
    return fail(ErrorCode::corrupt, fmt::format("{} does not have its content any more", image.host_file->path),
                "delete the image, and register the file again");
  auto copy = TRY(host::open_file(to, O_RDONLY));
  return ::fsync(copy.get()) < 0 ? fail_errno(to) : Result<>();
}

/// A file of the store goes with its own image.
Result<> check_not_below(const std::string& store, const std::string& file) {
  std::error_code error;
  auto whole = std::filesystem::canonical(store, error);
  if (error || !file.starts_with(whole.string() + "/")) return {};
  return fail(ErrorCode::invalid, fmt::format("{} belongs to another image", file),
              "'banger image tag' gives that image a second name");
}

}  // namespace

Task<Result<Image>> ImageStore::register_file(std::string name, std::string path, std::string kernel,
                                              StageProgress progress, host::Cancel& cancel) {
  CO_TRY(check_store_name("image", name));
  auto context = fmt::format("register image '{}'", name);
  CO_TRY(check_free(name));
  Image image{.id = host::random_id(), .name = name, .source = "file", .kernel = std::move(kernel)};
  image.host_file = CO_TRY(in(context, host_file_at(path)));
  CO_TRY(in(context, check_not_below(directory_, image.host_file->path)));
  CO_TRY(in(context, co_await runtime_.blocking([&] { return check_root(image.host_file->path); })));
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  progress("read", image.host_file->path, -1);
  auto complete = [&](const StopFlag* stop) { return complete_image(staged, image, std::time(nullptr), stop); };
  image = CO_TRY(in(context, co_await stoppable(runtime_, cancel, complete)));
  CO_TRY(cancel.check());
  CO_TRY(in(context, check_host_file(image)));  // it may have changed while it was read
  co_return co_await publish(std::move(staged), std::move(image), NameTaken::refuse);
}

Task<Result<Image>> ImageStore::promote(std::string name, StageProgress progress, host::Cancel& cancel) {
  auto image = CO_TRY(get(name));
  if (!image.host_file) co_return image;
  auto context = fmt::format("promote image '{}'", name);
  CO_TRY(in(context, check_host_file(image)));
  CO_TRY(in(context, check_room(directory_)));
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  progress("copy", image.host_file->path, -1);
  auto copy = staged.file("rootfs.ext4"), own = fmt::format("{}/{}/rootfs.ext4", directory_, image.id);
  auto work = [&](const StopFlag* stop) { return copy_checked(image, staged, stop); };
  CO_TRY(in(context, co_await stoppable(runtime_, cancel, work)));
  CO_TRY(cancel.check());
  image = CO_TRY(get(image.id));  // it may have other names by now, or be gone
  if (::rename(copy.c_str(), own.c_str()) < 0) co_return fail_errno(own);
  image.host_file.reset();
  co_return update(image);
}

}  // namespace banger::image
