#include "image/oci/layer_file.h"

#include <fcntl.h>

#include <future>

#include "ext4/differences.h"
#include "ext4/to_tar.h"
#include "host/files.h"
#include "host/start_async.h"
#include "image/oci/media_types.h"
#include "image/room.h"
#include "image/tar_stream.h"
#include "tar/gzip.h"

namespace banger::image::oci {

namespace {

Result<> pack(const LayerContent& content, int to, const StopFlag* stop) {
  if (content.base_rootfs.empty()) return ext4::write_tar_from_ext4(content.rootfs, to);
  return ext4::write_tar_of_differences({.base = content.base_rootfs, .image = content.rootfs}, to, stop);
}

}  // namespace

Result<LayerFile> make_layer(const LayerContent& content, const std::string& directory,
                             std::atomic<std::uint64_t>& packed_bytes, const StopFlag* stop) {
  TRY(host::make_directories(directory, 0700));
  auto file = TRY(host::open_file(directory, O_TMPFILE | O_RDWR, 0600));
  auto pipe = TRY(make_tar_pipe());
  auto packing = TRY(host::start_async([&content, stop, end = std::move(pipe.write)]() mutable {
    auto packed = pack(content, end.get(), stop);
    end.reset();
    return packed;
  }));
  RoomWatch room(directory);
  auto compressed = tar::gzip(pipe.read.get(), file.get(), [&](std::uint64_t bytes) -> Result<> {
    packed_bytes.store(bytes, std::memory_order_relaxed);
    if (requested(stop)) return fail(ErrorCode::cancelled, "cancelled");
    return room.written(bytes);
  });
  pipe.read.reset();  // ends the packing, if it still runs
  auto packed = packing.get();
  if (!compressed) return std::unexpected(std::move(compressed.error()));
  TRY(std::move(packed));
  return LayerFile{.fd = std::move(file),
                   .descriptor = {.digest = Digest::of_hex(compressed->sha256),
                                  .size = compressed->bytes,
                                  .media_type = std::string(kGzipLayer)},
                   .diff_id = Digest::of_hex(compressed->plain_sha256)};
}

}  // namespace banger::image::oci
