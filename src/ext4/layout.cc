#include "ext4/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bounds.h"
#include "base/text.h"
#include "ext4/bounds.h"

namespace banger::ext4 {

namespace {

constexpr std::uint32_t kDescriptorsPerBlock = kBlockBytes / 64;
// 127 spare blocks of descriptors let the resize inode grow a file system by 1 TiB; beyond that Linux switches to
// meta_bg by itself (fs/ext4/resize.c). Each spare block takes disk space as soon as there is a second superblock, so
// there are not more.
constexpr std::uint32_t kSpareDescriptorBlocks = 127;
constexpr std::uint32_t kMinInodesPerGroup =
    8192;  // one for 16 KiB, as mke2fs has it; groups added by growing get as many
constexpr std::uint32_t kMaxInodesPerGroup = 32768;
constexpr std::uint32_t kMaxJournalBlocks = 16384;  // 64 MiB: a larger journal only occupies more of the host's disk
constexpr std::uint32_t kTailRoom = 64;             // libext2fs drops a last group with fewer than 50 spare blocks
constexpr std::uint32_t kLooseBlocks = 16;          // the resize inode's and the journal's own mapping blocks
constexpr std::uint64_t kMaxBlocks = limits::kMaxDiskBytes / kBlockBytes;

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

bool is_power_of(std::uint64_t value, std::uint64_t base) {
  while (value % base == 0) value /= base;
  return value == 1;
}

std::uint32_t journal_blocks_for(std::uint64_t blocks) {  // mke2fs's steps (lib/ext2fs/mkjournal.c), cut off at 64 MiB
  if (blocks < 32768) return 1024;
  if (blocks < 256 * 1024) return 4096;
  if (blocks < 512 * 1024) return 8192;
  return kMaxJournalBlocks;
}

std::uint32_t table_blocks(const Geometry& g) { return g.inodes_per_group / kInodesPerBlock; }

/// The least size of a useful last group.
std::uint32_t last_group_blocks(const Geometry& g, std::uint32_t descriptor_blocks) {
  return 2 + table_blocks(g) + kTailRoom + (has_superblock(g.groups - 1) ? 1 + descriptor_blocks : 0);
}

bool spread_inodes(Geometry& g, std::uint64_t inodes) {
  std::uint64_t each = divide_up(divide_up(inodes, g.groups), kInodesPerBlock) * kInodesPerBlock;
  g.inodes_per_group = static_cast<std::uint32_t>(std::max<std::uint64_t>(each, kMinInodesPerGroup));
  return each <= kMaxInodesPerGroup;
}

Result<> take_all(BlockCursor& cursor, std::uint64_t count) {
  while (count > 0) count -= TRY(cursor.take(count)).count;
  return {};
}

/// The end of content, tables, journal and spare room in a file system of g.groups groups.
Result<std::uint64_t> sized_end(const Geometry& g, BlockCursor cursor, std::uint64_t spare_bytes) {
  for (std::uint32_t i = 0; i < g.groups; ++i) {
    TRY(cursor.take_contiguous(1));
    TRY(cursor.take_contiguous(1));
    TRY(cursor.take_contiguous(table_blocks(g)));
  }
  TRY(take_all(cursor, g.journal_blocks + kLooseBlocks + divide_up(spare_bytes, kBlockBytes)));
  return cursor.next();
}

Result<Geometry> size_from_content(const Ext4Options& options, const BlockCursor& content, std::uint64_t inodes,
                                   std::uint32_t descriptor_blocks) {
  Geometry g;
  for (std::uint64_t groups = std::max<std::uint64_t>(1, divide_up(content.next(), kBlocksPerGroup));
       groups * kBlocksPerGroup <= kMaxBlocks;) {
    g.groups = g.table_groups = static_cast<std::uint32_t>(groups);
    g.journal_blocks = options.journal ? journal_blocks_for(groups * kBlocksPerGroup - 1) : 0;
    if (!spread_inodes(g, inodes)) {
      ++groups;
      continue;
    }
    g.blocks = TRY(sized_end(g, content, options.spare_bytes));
    if (divide_up(g.blocks, kBlocksPerGroup) > groups) {
      groups = divide_up(g.blocks, kBlocksPerGroup);
      continue;
    }
    g.blocks = std::max(g.blocks, (groups - 1) * kBlocksPerGroup + last_group_blocks(g, descriptor_blocks));
    return g;
  }
  return fail(ErrorCode::exhausted,
              fmt::format("the content does not fit into {}", format_size(limits::kMaxDiskBytes)));
}

Result<Geometry> size_as_told(const Ext4Options& options, const BlockCursor& content, std::uint64_t inodes,
                              std::uint32_t descriptor_blocks) {
  Geometry g{.blocks = options.size_bytes / kBlockBytes};
  auto too_small = [&] {
    return fail(ErrorCode::exhausted,
                fmt::format("a file system of {} is too small for its content", format_size(options.size_bytes)),
                "make it larger");
  };
  for (;;) {
    g.groups = static_cast<std::uint32_t>(divide_up(g.blocks, kBlocksPerGroup));
    if (g.groups == 0 || !spread_inodes(g, inodes)) return too_small();
    std::uint64_t tail = g.blocks % kBlocksPerGroup;
    if (tail == 0 || tail >= last_group_blocks(g, descriptor_blocks)) break;
    g.blocks -= tail;
  }
  std::uint64_t flex = 1u << kLogFlexGroups;
  std::uint64_t touched = divide_up(divide_up(content.next(), kBlocksPerGroup), flex) * flex;
  g.table_groups = static_cast<std::uint32_t>(std::min<std::uint64_t>(g.groups, std::max(touched, flex)));
  g.journal_blocks = options.journal ? journal_blocks_for(g.blocks) : 0;
  Geometry front = g;
  front.groups = g.table_groups;
  auto end = sized_end(front, content, 0);
  if (!end || *end > g.blocks) return too_small();
  return g;
}

Result<Geometry> choose_size(const Ext4Options& options, const BlockCursor& content, std::uint64_t inodes,
                             std::uint32_t descriptor_blocks) {
  if (options.size_bytes) return size_as_told(options, content, inodes, descriptor_blocks);
  if (options.least_bytes) {
    auto least = options;
    least.size_bytes = options.least_bytes;
    auto fits = size_as_told(least, content, inodes, descriptor_blocks);
    if (fits || fits.error().code != ErrorCode::exhausted) return fits;
  }
  return size_from_content(options, content, inodes, descriptor_blocks);
}

}  // namespace

bool has_superblock(std::uint64_t group) {
  if (group <= 1) return true;
  return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

std::uint32_t descriptor_blocks_for(const Ext4Options& options) {
  std::uint64_t most = options.size_bytes ? options.size_bytes : limits::kRootfsBytes / 4 * 5 + options.spare_bytes;
  std::uint64_t blocks = std::min(divide_up(most, kBlockBytes), kMaxBlocks);
  auto used = static_cast<std::uint32_t>(divide_up(divide_up(blocks, kBlocksPerGroup), kDescriptorsPerBlock));
  // The resize inode counts blocks in 32 bits.
  return blocks > UINT32_MAX ? used : used + kSpareDescriptorBlocks;
}

BlockCursor::BlockCursor(std::uint32_t descriptor_blocks, std::uint64_t limit_blocks)
    : superblock_blocks_(1 + descriptor_blocks), limit_(limit_blocks) {}

void BlockCursor::skip_superblock() {
  std::uint64_t group = next_ / kBlocksPerGroup, first = group * kBlocksPerGroup;
  if (next_ - first < superblock_blocks_ && has_superblock(group)) next_ = first + superblock_blocks_;
}

std::uint64_t BlockCursor::run_end() const {
  std::uint64_t group = next_ / kBlocksPerGroup + 1;
  // Often two adjacent groups have no copy. Longer runs gain nothing, because an extent holds 32768 blocks.
  if (!has_superblock(group)) ++group;
  return std::min(group * kBlocksPerGroup, limit_);
}

Result<BlockCursor::Run> BlockCursor::take(std::uint64_t want) {
  skip_superblock();
  if (next_ >= limit_) return fail(ErrorCode::exhausted, "the file system is full", "make it larger");
  Run run{next_, std::min(want, run_end() - next_)};
  next_ += run.count;
  return run;
}

Result<std::uint64_t> BlockCursor::take_contiguous(std::uint32_t count) {
  for (;;) {
    Run run = TRY(take(count));
    if (run.count == count) return run.start;
  }
}

Result<Geometry> plan_geometry(const Ext4Options& options, const BlockCursor& content_end, std::uint64_t inodes) {
  std::uint32_t descriptor_blocks = descriptor_blocks_for(options);
  Geometry g = TRY(choose_size(options, content_end, inodes, descriptor_blocks));
  g.reserved_descriptors = descriptor_blocks - static_cast<std::uint32_t>(divide_up(g.groups, kDescriptorsPerBlock));
  return g;
}

}  // namespace banger::ext4
