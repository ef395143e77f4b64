#include "image/oci/base_tree.h"

#include "image/complete.h"

namespace banger::image::oci {

Result<BaseTree> make_base_tree(const std::string& store_directory, std::span<const ext4::Layer> layers,
                                std::uint64_t max_unpacked_bytes, const StopFlag* stop) {
  auto staged = TRY(StagedDirectory::make(store_directory, "base"));
  ext4::LayersOptions options{.ext4 = rootfs_options("base", 0), .max_unpacked_bytes = max_unpacked_bytes};
  options.ext4.stop = stop;
  auto rootfs = staged.file("rootfs.ext4");
  TRY(ext4::write_ext4_from_layers(layers, rootfs, options));
  return BaseTree{.rootfs = std::move(rootfs), .made = std::make_unique<StagedDirectory>(std::move(staged))};
}

}  // namespace banger::image::oci
