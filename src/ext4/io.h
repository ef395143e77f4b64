// libext2fs on a borrowed descriptor: I/O without a cache, without fsync, and never by path. Also converts libext2fs's
// errors.
#pragma once

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::ext4 {

/// The manager for ext2fs_open2 and ext2fs_initialize. Their `name` is then the number of a borrowed descriptor.
io_manager descriptor_io();

/// `what: reason` for a non-zero result of a libext2fs function.
std::unexpected<Error> fail_ext2(std::string_view what, errcode_t code);

struct FreeFilesystem {
  void operator()(struct_ext2_filsys* fs) const { ext2fs_free(fs); }
};
/// A libext2fs handle, freed without being written.
using Filesystem = std::unique_ptr<struct_ext2_filsys, FreeFilesystem>;

/// An existing image open for reading.
struct ReadOnlyImage {
  UniqueFd fd;
  Filesystem fs;
};
/// `not_found` when the file does not exist, `corrupt` when it is not an ext4 image.
Result<ReadOnlyImage> open_image(const std::string& path);

}  // namespace banger::ext4
