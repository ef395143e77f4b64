// Adds a journal to a file system that was made without a journal: to a writable copy of an image.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "ext4/ext4.h"
#include "ext4/io.h"
#include "host/files.h"

namespace banger::ext4 {

namespace {

constexpr std::uint64_t kMinJournalBlocks = 1024;   // JBD2_MIN_JOURNAL_BLOCKS
constexpr std::uint64_t kMaxJournalBlocks = 16384;  // 64 MiB, as in new file systems
constexpr blk64_t kNearTheMiddle = ~blk64_t{0};

/// At most half of the free blocks. The guest needs the rest until it has grown the file system.
Result<ext2fs_journal_params> journal_for(ext2_filsys fs) {
  std::uint64_t half = std::min<std::uint64_t>(ext2fs_free_blocks_count(fs->super) / 2, kMaxJournalBlocks);
  if (half < kMinJournalBlocks)
    return fail(ErrorCode::exhausted, "it has no room for a journal", "build or import the image again");
  ext2fs_journal_params size{};
  size.num_journal_blocks = static_cast<blk_t>(std::bit_floor(half));
  return size;
}

Result<> add_journal(int fd) {
  ext2_filsys raw = nullptr;
  if (errcode_t code = ext2fs_open2(std::to_string(fd).c_str(), nullptr, EXT2_FLAG_64BITS | EXT2_FLAG_RW, 0, 0,
                                    ext4::descriptor_io(), &raw))
    return ext4::fail_ext2("open it", code);
  ext4::Filesystem fs(raw);
  if (ext2fs_has_feature_journal(fs->super)) return {};
  if (errcode_t code = ext2fs_read_bitmaps(fs.get())) return ext4::fail_ext2("read its bitmaps", code);
  auto size = TRY(journal_for(fs.get()));
  // Not EXT2_MKJOURNAL_LAZYINIT: free blocks of an image need not be zeros.
  if (errcode_t code = ext2fs_add_journal_inode3(fs.get(), &size, kNearTheMiddle, EXT2_MKJOURNAL_NO_MNT_CHECK))
    return ext4::fail_ext2("add a journal", code);
  if (errcode_t code = ext2fs_close2(fs.get(), EXT2_FLAG_FLUSH_NO_SYNC))
    return ext4::fail_ext2("write its superblock and bitmaps", code);
  fs.release();  // freed by ext2fs_close2
  return {};
}

}  // namespace

Result<> ensure_journal(const std::string& path) {
  auto fd = TRY(host::open_file(path, O_RDWR));
  return in(path, add_journal(fd.get()));
}

}  // namespace banger::ext4
