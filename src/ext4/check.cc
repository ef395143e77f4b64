// Checks an image without mounting it.
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ext4/ext4.h"
#include "host/files.h"

namespace banger::ext4 {

Result<> check_ext4(const std::string& path) {
  auto damaged = [&](std::string_view why) {
    return fail(ErrorCode::corrupt, fmt::format("{} {}", path, why), "delete it and build it again");
  };
  auto fd = TRY(host::open_file(path, O_RDONLY));
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail_errno(path);
  ext2_super_block super{};
  ssize_t got = ::pread(fd.get(), &super, sizeof super, 1024);
  if (got < 0) return fail_errno(path);
  if (got != sizeof super || super.s_magic != EXT2_SUPER_MAGIC) return damaged("is not an ext4 image");
  if (!ext2fs_has_feature_metadata_csum(&super)) return damaged("is an ext file system without checksums");
  std::uint32_t sum =
      ext2fs_crc32c_le(~0u, reinterpret_cast<const unsigned char*>(&super), offsetof(ext2_super_block, s_checksum));
  if (sum != super.s_checksum) return damaged("has a superblock with a wrong checksum");
  if (!(super.s_state & EXT2_VALID_FS) || (super.s_state & EXT2_ERROR_FS) ||
      ext2fs_has_feature_journal_needs_recovery(&super))
    return damaged("was not cleanly unmounted");
  if (super.s_log_block_size > 6) return damaged("has an invalid block size");
  std::uint64_t blocks = ext2fs_blocks_count(&super),
                most = static_cast<std::uint64_t>(info.st_size) >> (10 + super.s_log_block_size);
  if (blocks == 0 || blocks > most)
    return damaged(fmt::format("is cut short: it should have {} blocks and has {}", blocks, most));
  return {};
}

}  // namespace banger::ext4
