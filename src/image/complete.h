// What every new image gets around its root file system: a work seed, hashes, and a manifest.
#pragma once

#include <string>

#include "ext4/ext4.h"
#include "image/staged_directory.h"
#include "image/stoppable.h"
#include "image/store.h"

namespace banger::image {

/// SHA-256 of a file's content, lower-case hex. `cancelled` once `stop` is set.
Result<std::string> hash_file(const std::string& path, const StopFlag* stop);

/// `seed` makes the UUID of the file system, so that the same content gives the same file.
ext4::Ext4Options rootfs_options(const std::string& seed, std::int64_t timestamp);

/// Completes the directory around a written rootfs.ext4, or around the file of the host, and returns `image` with what
/// is known now. Errors of check_room() too. Blocks, until `stop` is set.
Result<Image> complete_image(const StagedDirectory& staged, Image image, std::int64_t timestamp,
                             const StopFlag* stop = nullptr);

}  // namespace banger::image
