#include "image/complete.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <future>

#include "base/bounds.h"
#include "host/digest.h"
#include "host/files.h"
#include "host/start_async.h"
#include "image/bounds.h"
#include "image/init.h"
#include "image/manifest.h"
#include "image/room.h"

namespace banger::image {

namespace {

Result<> check_stop(const StopFlag* stop) {
  return requested(stop) ? Result<>(fail(ErrorCode::cancelled, "cancelled")) : Result<>();
}

/// The guest grows this file system online to the VM's disk size. It is sparse.
ext4::Ext4Options seed_options(const StagedDirectory& staged, const std::string& name, std::int64_t timestamp,
                               const StopFlag* stop) {
  return {.label = "banger-work",
          .spare_bytes = limits::kSeedSpareBytes,
          .least_bytes = limits::kSeedBytes,
          .uuid_seed = "work " + name,
          .timestamp = timestamp,
          .stop = stop,
          .room = [directory = staged.path()] { return check_room(directory); }};
}

/// A copy of the image's /root, as large as it needs to be.
Result<> make_seed(const std::string& rootfs, const std::string& seed, ext4::Ext4Options options) {
  auto extracted = ext4::extract_subtree(rootfs, "/root", seed, options);
  if (extracted) return {};
  if (extracted.error().code != ErrorCode::not_found)
    return std::unexpected(std::move(extracted.error()).in("make the work seed from /root"));
  options.size_bytes = options.least_bytes;
  return ext4::make_empty_ext4(seed, options);
}

}  // namespace

Result<std::string> hash_file(const std::string& path, const StopFlag* stop) {
  auto fd = TRY(host::open_file(path, O_RDONLY));
  host::Sha256 digest;
  std::string piece(limits::kHashReadBytes, '\0');
  for (;;) {
    TRY(check_stop(stop));
    ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) return digest.finish();
    digest.add({piece.data(), static_cast<std::size_t>(got)});
  }
}

/// The root file system is only mounted read-only, under an overlay. So it has no journal and little spare room.
ext4::Ext4Options rootfs_options(const std::string& seed, std::int64_t timestamp) {
  return {.label = "banger-root",
          .spare_bytes = 16 * limits::kMiB,
          .uuid_seed = "rootfs " + seed,
          .timestamp = timestamp,
          .journal = false};
}

Result<Image> complete_image(const StagedDirectory& staged, Image image, std::int64_t timestamp, const StopFlag* stop) {
  std::string rootfs = image.host_file ? image.host_file->path : staged.file("rootfs.ext4");
  std::string seed = staged.file("work-seed.ext4");
  TRY(ext4::check_ext4(rootfs));
  // The hash reads the whole file, while fsync(2) writes it to the disk. The digests of layers already tell what a
  // pulled image has.
  auto hash = TRY(host::start_async([rootfs, stop, layered = !image.pulled.manifest.empty()] {
    return layered ? Result<std::string>() : hash_file(rootfs, stop);
  }));
  image.init = TRY(detect_init(rootfs));
  TRY(make_seed(rootfs, seed, seed_options(staged, image.name, timestamp, stop)));
  TRY(check_stop(stop));
  auto fd = TRY(host::open_file(rootfs, O_RDONLY));
  if (::fsync(fd.get()) < 0) return fail_errno(rootfs);
  image.sha256 = TRY(hash.get());
  image.rootfs_bytes = static_cast<std::uint64_t>(::lseek(fd.get(), 0, SEEK_END));
  image.created_at = std::time(nullptr);
  TRY(write_image_manifest(staged.path(), image));
  return image;
}

}  // namespace banger::image
