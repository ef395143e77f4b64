#include "ext4/format.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "ext4/data.h"
#include "ext4/encode.h"
#include "ext4/io.h"
#include "host/files.h"

namespace banger::ext4 {

namespace {

constexpr std::uint64_t kLostAndFoundBlocks = 4;  // room for names, so that e2fsck need not allocate blocks

/// The superblock with the parameters for ext2fs_initialize.
ext2_super_block parameters(const Geometry& g) {
  ext2_super_block p{};
  p.s_rev_level = EXT2_DYNAMIC_REV;
  p.s_log_block_size = 2;
  p.s_log_cluster_size = 2;
  p.s_blocks_per_group = kBlocksPerGroup;
  p.s_inode_size = kInodeBytes;
  p.s_desc_size = EXT2_MIN_DESC_SIZE_64BIT;
  p.s_log_groups_per_flex = kLogFlexGroups;
  p.s_max_mnt_count = 0xffff;  // never requests a check by mount count
  p.s_errors = EXT2_ERRORS_CONTINUE;
  p.s_inodes_count = g.inodes_per_group * g.groups;
  p.s_reserved_gdt_blocks = static_cast<std::uint16_t>(g.reserved_descriptors);
  ext2fs_blocks_count_set(&p, g.blocks);
  p.s_feature_compat = EXT2_FEATURE_COMPAT_DIR_INDEX | EXT2_FEATURE_COMPAT_EXT_ATTR;
  if (g.reserved_descriptors > 0) p.s_feature_compat |= EXT2_FEATURE_COMPAT_RESIZE_INODE;
  p.s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT |
                         EXT4_FEATURE_INCOMPAT_FLEX_BG;
  p.s_feature_ro_compat = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
                          EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |
                          EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
  return p;
}

void uuid_from(std::string_view seed, std::string_view purpose, unsigned char* uuid) {
  std::string digest = *from_hex(host::sha256_hex(fmt::format("banger ext4 {} {}", purpose, seed)));
  std::memcpy(uuid, digest.data(), 16);
  uuid[6] = static_cast<unsigned char>((uuid[6] & 0x0f) | 0x80);  // RFC 9562 version 8: application-defined bits
  uuid[8] = static_cast<unsigned char>((uuid[8] & 0x3f) | 0x80);
}

Result<Filesystem> initialize(int fd, const Geometry& g, const Ext4Options& options) {
  ext2_super_block parameter = parameters(g);
  ext2_filsys raw = nullptr;
  if (errcode_t code =
          ext2fs_initialize(std::to_string(fd).c_str(), EXT2_FLAG_64BITS, &parameter, descriptor_io(), &raw))
    return fail_ext2("make file system", code);
  Filesystem fs(raw);
  if (ext2fs_blocks_count(fs->super) != g.blocks || fs->super->s_inodes_per_group != g.inodes_per_group)
    return fail(
        ErrorCode::internal,
        fmt::format("libext2fs made {} blocks with {} inodes a group instead of {} with {}",
                    ext2fs_blocks_count(fs->super), fs->super->s_inodes_per_group, g.blocks, g.inodes_per_group));
  // libext2fs reads 0 as "now", which would differ between two runs.
  fs->now = std::clamp<std::int64_t>(options.timestamp, 1, INT32_MAX);
  ext2_super_block& super = *fs->super;
  super.s_mkfs_time = super.s_lastcheck = static_cast<std::uint32_t>(fs->now);
  super.s_mkfs_time_hi = super.s_lastcheck_hi = 0;
  super.s_checkinterval = 0;
  super.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
  super.s_def_hash_version = EXT2_HASH_HALF_MD4;
  super.s_flags = EXT2_FLAGS_SIGNED_HASH;
  super.s_checksum_type = EXT2_CRC32C_CHKSUM;
  uuid_from(options.uuid_seed, "uuid", super.s_uuid);
  uuid_from(options.uuid_seed, "directory hash", reinterpret_cast<unsigned char*>(super.s_hash_seed));
  std::memcpy(super.s_volume_name, options.label.data(), std::min(options.label.size(), sizeof super.s_volume_name));
  ext2fs_init_csum_seed(fs.get());
  return fs;
}

void use_blocks(ext2_filsys fs, std::uint64_t start, std::uint64_t count) {
  ext2fs_block_alloc_stats_range(fs, start, static_cast<blk_t>(count), +1);
}

/// Places bitmaps and inode tables of the first groups after the content, because libext2fs searches near the group and
/// might find no room. libext2fs places the others. Tables are holes of a new file, so they count as zeroed, and the
/// guest need not zero them.
Result<> place_tables(ext2_filsys fs, const Geometry& g, BlockCursor cursor) {
  for (std::uint32_t group = 0; group < g.table_groups; ++group) {
    std::uint64_t block_bitmap = TRY(cursor.take_contiguous(1));
    std::uint64_t inode_bitmap = TRY(cursor.take_contiguous(1));
    std::uint64_t table = TRY(cursor.take_contiguous(fs->inode_blocks_per_group));
    ext2fs_block_bitmap_loc_set(fs, group, block_bitmap);
    ext2fs_inode_bitmap_loc_set(fs, group, inode_bitmap);
    ext2fs_inode_table_loc_set(fs, group, table);
    use_blocks(fs, block_bitmap, 1);
    use_blocks(fs, inode_bitmap, 1);
    use_blocks(fs, table, fs->inode_blocks_per_group);
  }
  if (errcode_t code = ext2fs_allocate_tables(fs)) return fail_ext2("place inode tables", code);
  for (std::uint32_t group = 0; group < g.groups; ++group) {
    ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_ZEROED);
    ext2fs_group_desc_csum_set(fs, group);
  }
  return {};
}

void use_nodes(ext2_filsys fs, Tree& tree) {
  for (std::uint32_t inode = 1; inode < kFirstInode; ++inode)
    if (inode != kRootInode) ext2fs_inode_alloc_stats2(fs, inode, +1, 0);
  for (NodeId id = 0; id < tree.size(); ++id) {
    if (!tree.alive(id)) continue;
    const Node& node = tree[id];
    ext2fs_inode_alloc_stats2(fs, node.inode, +1, node.is_directory());
    for (const Extent& e : node.extents) use_blocks(fs, e.physical, e.count);
    for (std::uint64_t block : node.tree_blocks) use_blocks(fs, block, 1);
    if (node.xattr_block) use_blocks(fs, node.xattr_block, 1);
  }
}

/// Inodes in the order of their numbers, a block at a time.
Result<> write_inodes(ext2_filsys fs, Tree& tree, BlockWriter& metadata, BlockWriter& tables) {
  std::string block(kBlockBytes, '\0');
  std::uint64_t open_at = 0;  // block 0 is never an inode table's
  for (NodeId id = 0; id < tree.size(); ++id) {
    if (!tree.alive(id)) continue;
    std::uint32_t index = (tree[id].inode - 1) % fs->super->s_inodes_per_group;
    std::uint64_t at =
        ext2fs_inode_table_loc(fs, (tree[id].inode - 1) / fs->super->s_inodes_per_group) + index / kInodesPerBlock;
    if (at != open_at) {
      if (open_at) TRY(tables.put(open_at, block));
      std::ranges::fill(block, '\0');
      open_at = at;
    }
    std::span<std::byte> bytes(reinterpret_cast<std::byte*>(block.data()) + index % kInodesPerBlock * kInodeBytes,
                               kInodeBytes);
    TRY(encode_inode(fs, tree, id, bytes, metadata));
  }
  if (open_at) TRY(tables.put(open_at, block));
  return tables.flush();
}

Result<> write_metadata(int fd, ext2_filsys fs, Tree& tree) {
  BlockWriter metadata(fd), tables(fd);
  TRY(write_inodes(fs, tree, metadata, tables));
  for (NodeId id = 0; id < tree.size(); ++id)
    if (tree.alive(id) && tree[id].is_directory()) TRY(write_directory(fs, tree, id, metadata));
  TRY(metadata.flush());
  // For checksums, libext2fs has read inodes before they were written here. Its cache of their blocks is out of date.
  if (errcode_t code = ext2fs_flush_icache(fs)) return fail_ext2("write inodes", code);
  return {};
}

Result<> add_journal(ext2_filsys fs, const Geometry& g, std::uint64_t goal) {
  if (g.journal_blocks == 0) return {};
  ext2fs_journal_params size{};
  size.num_journal_blocks = g.journal_blocks;
  // The journal's blocks are holes and therefore zeros, so lazy initialisation is safe.
  if (errcode_t code =
          ext2fs_add_journal_inode3(fs, &size, goal, EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK))
    return fail_ext2("add journal", code);
  return {};
}

}  // namespace

Result<> lay_out(Tree& tree, BlockCursor& cursor, NodeId lost_and_found) {
  std::uint32_t inode = kFirstInode;
  tree[kRoot].inode = kRootInode;
  if (lost_and_found != kRoot) tree[lost_and_found].inode = inode++;
  for (NodeId id = 0; id < tree.size(); ++id)
    if (tree.alive(id) && tree[id].inode == 0) tree[id].inode = inode++;
  for (NodeId id = 0; id < tree.size(); ++id) {
    if (!tree.alive(id)) continue;
    Node& node = tree[id];
    if (node.is_directory()) {
      std::uint64_t blocks = std::max(directory_blocks(tree, id),
                                      lost_and_found != kRoot && id == lost_and_found ? kLostAndFoundBlocks : 1);
      node.size = blocks * kBlockBytes;
      TRY(allocate(cursor, node.extents, 0, blocks));
    }
    for (std::size_t left = extent_tree_blocks(node.extents.size()); left > 0; --left)
      node.tree_blocks.push_back(TRY(cursor.take(1)).start);
    if (needs_xattr_block(node.xattrs)) node.xattr_block = TRY(cursor.take(1)).start;
  }
  return {};
}

Result<std::uint64_t> format(int fd, Tree& tree, const BlockCursor& cursor, const Ext4Options& options) {
  std::uint64_t inodes = kFirstInode - 1;
  for (NodeId id = 0; id < tree.size(); ++id) inodes += tree.alive(id);
  Geometry g = TRY(plan_geometry(options, cursor, inodes));
  std::uint64_t size = options.size_bytes ? options.size_bytes : g.blocks * kBlockBytes;
  if (::ftruncate(fd, static_cast<off_t>(size)) < 0) return fail_errno("set the size of the image");
  Filesystem fs = TRY(initialize(fd, g, options));
  // Mark the blocks that are placed already before libext2fs allocates any, so that it does not use them again.
  use_nodes(fs.get(), tree);
  TRY(place_tables(fs.get(), g, cursor));
  TRY(write_metadata(fd, fs.get(), tree));
  if (g.reserved_descriptors > 0)
    if (errcode_t code = ext2fs_create_resize_inode(fs.get())) return fail_ext2("make the resize inode", code);
  TRY(add_journal(fs.get(), g, cursor.next()));
  if (errcode_t code = ext2fs_close2(fs.get(), EXT2_FLAG_FLUSH_NO_SYNC))
    return fail_ext2("write superblock and bitmaps", code);
  fs.release();  // freed by ext2fs_close2
  return size;
}

}  // namespace banger::ext4
