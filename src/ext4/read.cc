// Reads images without mounting them: one file, or a quick check. Damaged images give errors.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/text.h"
#include "ext4/ext4.h"
#include "ext4/io.h"
#include "host/files.h"
#include "tar/path.h"

namespace banger::ext4 {

namespace {

using ext4::fail_ext2;

struct Found {
  ext2_ino_t number = EXT2_ROOT_INO;
  ext2_inode inode{};
};

Result<Found> find_file(ext2_filsys fs, const std::string& file) {
  Found found;
  for (std::string_view part : TRY(tar::split_member(file, tar::AbsoluteNames::make_relative))) {
    ext2_ino_t next = 0;
    errcode_t code = ext2fs_lookup(fs, found.number, part.data(), static_cast<int>(part.size()), nullptr, &next);
    // Symlinks are not followed, so nothing is below a component that is a symlink or a file.
    if (code == EXT2_ET_FILE_NOT_FOUND || code == EXT2_ET_NO_DIRECTORY)
      return fail(ErrorCode::not_found, fmt::format("there is no {} in the image", printable(file)));
    if (code) return fail_ext2(file, code);
    found.number = next;
  }
  if (errcode_t code = ext2fs_read_inode(fs, found.number, &found.inode)) return fail_ext2(file, code);
  return found;
}

}  // namespace

Result<std::string> read_file_in_image(const std::string& image_path, const std::string& file, std::size_t max_bytes) {
  auto image = TRY(ext4::open_image(image_path));
  Found found = TRY(find_file(image.fs.get(), file));
  if (!LINUX_S_ISREG(found.inode.i_mode))
    return fail(ErrorCode::not_found, fmt::format("{} in the image is not a regular file", printable(file)));
  std::uint64_t size = EXT2_I_SIZE(&found.inode);
  if (size > max_bytes)
    return fail(ErrorCode::exhausted,
                fmt::format("{} in the image is larger than the limit of {}", printable(file), format_size(max_bytes)));
  ext2_file_t handle = nullptr;
  if (errcode_t code = ext2fs_file_open2(image.fs.get(), found.number, &found.inode, 0, &handle))
    return fail_ext2(file, code);
  std::unique_ptr<struct ext2_file, errcode_t (*)(ext2_file_t)> closer(handle, ext2fs_file_close);
  std::string content(size, '\0');
  for (std::size_t at = 0; at < size;) {
    unsigned got = 0;
    auto want = static_cast<unsigned>(std::min<std::size_t>(size - at, 1 << 30));
    if (errcode_t code = ext2fs_file_read(handle, content.data() + at, want, &got)) return fail_ext2(file, code);
    if (got == 0) return fail(ErrorCode::corrupt, fmt::format("{} in the image ends early", printable(file)));
    at += got;
  }
  return content;
}

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
