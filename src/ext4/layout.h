// The layout of an image: the fixed geometry, the blocks of superblock copies, and the size. Pure. Content comes first,
// then everything else. With flex_bg, a group's bitmaps and inode tables may lie anywhere. So the content can be
// written before the size of the file system is known. Source: Documentation/filesystems/ext4/{blockgroup,super}.rst.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "ext4/ext4.h"

namespace banger::ext4 {

inline constexpr std::uint32_t kBlockBytes = 4096;
inline constexpr std::uint32_t kBlocksPerGroup = 8 * kBlockBytes;  ///< one for each bit of a bitmap block
inline constexpr std::uint32_t kInodeBytes = 256;
inline constexpr std::uint32_t kInodesPerBlock = kBlockBytes / kInodeBytes;
inline constexpr std::uint32_t kInodeExtraBytes = 32;  ///< i_extra_isize
inline constexpr std::uint32_t kInodeTailBytes = kInodeBytes - 128 - kInodeExtraBytes;
inline constexpr std::uint32_t kFirstInode = 11;  ///< lower numbers are reserved
inline constexpr std::uint32_t kRootInode = 2;
inline constexpr std::uint32_t kLogFlexGroups = 4;

/// Whether a group holds a copy of superblock and descriptors (sparse_super: 0, 1 and powers of 3, 5, 7).
bool has_superblock(std::uint64_t group);

/// The number of blocks after each superblock for group descriptors. Some are reserved, so that the guest can grow the
/// file system online. It does not depend on the final size.
std::uint32_t descriptor_blocks_for(const Ext4Options& options);

/// Allocates blocks in ascending order, without those of superblock copies and descriptors. A value type: copy it for a
/// trial allocation.
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
  /// All blocks from this one on are free, except superblock copies.
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
  std::uint32_t table_groups = 0;  ///< groups whose bitmaps and tables follow the content; other groups hold their own
  std::uint32_t journal_blocks = 0;        ///< 0: none
  std::uint32_t reserved_descriptors = 0;  ///< blocks for descriptors of later groups; 0: not growable
};

/// The geometry for content that ends at `content_end`, with `inodes` inodes (including reserved ones). `exhausted`
/// when options.size_bytes is given and too small.
Result<Geometry> plan_geometry(const Ext4Options& options, const BlockCursor& content_end, std::uint64_t inodes);

}  // namespace banger::ext4
