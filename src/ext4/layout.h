// Where things go in an image: the fixed geometry, which blocks are taken by superblock copies, and how big it gets.
// Pure. Content comes first, then everything else: with flex_bg the bitmaps and inode tables of a group may be
// anywhere, so the size of the file system need not be known before its content has been written. Source:
// Documentation/filesystems/ext4/{blockgroup,super}.rst.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "ext4/ext4.h"

namespace banger::ext4 {

inline constexpr std::uint32_t kBlockBytes = 4096;
inline constexpr std::uint32_t kBlocksPerGroup = 8 * kBlockBytes;  ///< as many as a block of bitmap has bits
inline constexpr std::uint32_t kInodeBytes = 256;
inline constexpr std::uint32_t kInodesPerBlock = kBlockBytes / kInodeBytes;
inline constexpr std::uint32_t kInodeExtraBytes = 32;  ///< i_extra_isize
inline constexpr std::uint32_t kInodeTailBytes = kInodeBytes - 128 - kInodeExtraBytes;
inline constexpr std::uint32_t kFirstInode = 11;  ///< those before are reserved
inline constexpr std::uint32_t kRootInode = 2;
inline constexpr std::uint32_t kLogFlexGroups = 4;

/// True for the groups that hold a copy of superblock and descriptors (sparse_super: 0, 1 and powers of 3, 5, 7).
bool has_superblock(std::uint64_t group);

/// Blocks after each superblock that hold group descriptors or are kept for them, so that the guest can grow the file
/// system online. The same whatever size it ends up with.
std::uint32_t descriptor_blocks_for(const Ext4Options& options);

/// Gives out blocks in ascending order, leaving out superblock copies and descriptors. A value: copy it to try
/// something.
class BlockCursor {
 public:
  struct Run {
    std::uint64_t start = 0, count = 0;
  };

  BlockCursor(std::uint32_t descriptor_blocks, std::uint64_t limit_blocks);

  /// The next free run, of 1 to `want` blocks. `exhausted` at the limit.
  Result<Run> take(std::uint64_t want);
  /// The next place where `count` blocks are free in a row.
  Result<std::uint64_t> take_contiguous(std::uint32_t count);
  /// All blocks from this one on are free, but for superblock copies.
  std::uint64_t next() const { return next_; }

 private:
  std::uint64_t run_end() const;
  void skip_superblock();

  std::uint32_t superblock_blocks_;
  std::uint64_t limit_, next_ = 0;
};

struct Geometry {
  std::uint64_t blocks = 0;
  std::uint32_t groups = 0;
  std::uint32_t inodes_per_group = 0;
  std::uint32_t table_groups =
      0;  ///< the groups whose bitmaps and tables follow the content; the others keep their own
  std::uint32_t journal_blocks = 0;        ///< 0: none
  std::uint32_t reserved_descriptors = 0;  ///< blocks of descriptors not in use yet; 0: not growable
};

/// The geometry for content that ends where `content_end` is, with that many inodes (reserved ones included).
/// `exhausted` when options.size_bytes is given and too small.
Result<Geometry> plan_geometry(const Ext4Options& options, const BlockCursor& content_end, std::uint64_t inodes);

}  // namespace banger::ext4
