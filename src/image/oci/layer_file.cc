#include "image/oci/layer_file.h"

#include <fcntl.h>

#include <future>

#include "ext4/to_tar.h"
#include "host/files.h"
#include "image/tar_stream.h"
#include "tar/gzip.h"

namespace banger::image::oci {

Result<LayerFile> make_layer(const std::string& rootfs, const std::string& directory,
                             const std::function<Result<>(std::uint64_t)>& progress) {
  TRY(host::make_directories(directory, 0700));
  auto file = TRY(host::open_file(directory, O_TMPFILE | O_RDWR, 0600));
  auto pipe = TRY(make_tar_pipe());
  auto packing = std::async(std::launch::async, [&rootfs, end = std::move(pipe.write)]() mutable {
    auto packed = ext4::write_tar_from_ext4(rootfs, end.get());
    end.reset();
    return packed;
  });
  auto compressed = tar::gzip(pipe.read.get(), file.get(), progress);
  pipe.read.reset();  // ends the packing, if it still runs
  auto packed = packing.get();
  if (!compressed) return std::unexpected(std::move(compressed.error()));
  TRY(std::move(packed));
  return LayerFile{.fd = std::move(file),
                   .descriptor = {.digest = Digest::of_hex(compressed->sha256), .size = compressed->bytes},
                   .diff_id = Digest::of_hex(compressed->plain_sha256)};
}

}  // namespace banger::image::oci
