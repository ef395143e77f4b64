#include "ext4/encode.h"

#include <ext2fs/ext3_extents.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "ext4/io.h"

namespace banger::ext4 {

namespace {

constexpr std::size_t kRootEntries = 4;  // of 12 bytes in the inode's 60, after the header
constexpr std::size_t kBlockEntries = (kBlockBytes - 12) / 12;
constexpr std::uint32_t kMaxSubdirectories = 64998;  // a larger link count is written as 1 (dir_nlink)
constexpr std::size_t kFastSymlinkBytes = 59;

void put_header(std::byte* at, std::size_t entries, std::size_t max, std::size_t depth) {
  ext3_extent_header header{};
  header.eh_magic = EXT3_EXT_MAGIC;
  header.eh_entries = static_cast<std::uint16_t>(entries);
  header.eh_max = static_cast<std::uint16_t>(max);
  header.eh_depth = static_cast<std::uint16_t>(depth);
  std::memcpy(at, &header, sizeof header);
}

void put_extents(std::byte* at, std::span<const Extent> extents) {
  for (const Extent& e : extents) {
    at += 12;
    ext3_extent entry{};
    entry.ee_block = e.logical;
    entry.ee_len = static_cast<std::uint16_t>(e.count);
    entry.ee_start = static_cast<std::uint32_t>(e.physical);
    entry.ee_start_hi = static_cast<std::uint16_t>(e.physical >> 32);
    std::memcpy(at, &entry, sizeof entry);
  }
}

struct Index {
  std::uint32_t logical;
  std::uint64_t block;
};

void put_indexes(std::byte* at, std::span<const Index> indexes) {
  for (const Index& i : indexes) {
    at += 12;
    ext3_extent_idx entry{};
    entry.ei_block = i.logical;
    entry.ei_leaf = static_cast<std::uint32_t>(i.block);
    entry.ei_leaf_hi = static_cast<std::uint16_t>(i.block >> 32);
    std::memcpy(at, &entry, sizeof entry);
  }
}

std::uint32_t file_type(std::uint16_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EXT2_FT_REG_FILE;
    case S_IFDIR:
      return EXT2_FT_DIR;
    case S_IFCHR:
      return EXT2_FT_CHRDEV;
    case S_IFBLK:
      return EXT2_FT_BLKDEV;
    case S_IFIFO:
      return EXT2_FT_FIFO;
    case S_IFLNK:
      return EXT2_FT_SYMLINK;
    default:
      return EXT2_FT_UNKNOWN;
  }
}

std::size_t dirent_size(std::size_t name_bytes) { return (8 + name_bytes + 3) & ~std::size_t{3}; }

/// Packs names into blocks in order. Each block ends with a checksum entry, and its last real entry extends to that
/// entry.
class DirectoryPacker {
 public:
  /// With a null `fs` it only counts.
  DirectoryPacker(ext2_filsys fs, std::uint32_t inode) : fs_(fs), inode_(inode) {}

  void add(std::string_view name, std::uint32_t inode, std::uint32_t type) {
    std::size_t size = dirent_size(name.size());
    if (at_ + size > kUsable) {
      close_block();
      ++blocks_;
      at_ = 0;
    }
    if (fs_) {
      bytes_.resize(blocks_ * kBlockBytes, '\0');
      ext2_dir_entry_2 entry{};
      entry.inode = inode;
      entry.rec_len = static_cast<std::uint16_t>(size);
      entry.name_len = static_cast<std::uint8_t>(name.size());
      entry.file_type = static_cast<std::uint8_t>(type);
      std::memcpy(block() + at_, &entry, 8);
      std::memcpy(block() + at_ + 8, name.data(), name.size());
    }
    last_ = at_;
    at_ += size;
  }

  std::uint64_t blocks() const { return blocks_; }

  /// All blocks, padded with empty ones to `count` blocks.
  Result<std::string> finish(std::uint64_t count) {
    while (close_block(), blocks_ < count) {
      ++blocks_;
      bytes_.resize(blocks_ * kBlockBytes, '\0');
      last_ = at_ = 0;
    }
    if (code_) return fail_ext2("checksum of a directory", code_);
    return std::move(bytes_);
  }

 private:
  static constexpr std::size_t kUsable = kBlockBytes - sizeof(ext2_dir_entry_tail);

  char* block() { return bytes_.data() + (blocks_ - 1) * kBlockBytes; }

  void close_block() {
    if (!fs_) return;
    auto length = static_cast<std::uint16_t>(kUsable - last_);
    std::memcpy(block() + last_ + 4, &length, 2);
    ext2fs_initialize_dirent_tail(fs_, reinterpret_cast<ext2_dir_entry_tail*>(block() + kUsable));
    if (errcode_t code = ext2fs_dir_block_csum_set(fs_, inode_, reinterpret_cast<ext2_dir_entry*>(block())))
      code_ = code;
  }

  ext2_filsys fs_;
  std::uint32_t inode_;
  std::string bytes_;
  std::uint64_t blocks_ = 1;
  std::size_t at_ = 0, last_ = 0;
  errcode_t code_ = 0;
};

void pack_names(DirectoryPacker& packer, Tree& tree, NodeId id) {
  Node& directory = tree[id];
  packer.add(".", directory.inode, EXT2_FT_DIR);
  packer.add("..", tree[directory.parent].inode, EXT2_FT_DIR);
  for (const auto& [name, child] : *directory.children)
    packer.add(name, tree[child.node].inode, file_type(tree[child.node].mode));
}

/// Seconds in 34 bits, with the upper two beside the nanoseconds. A time out of range becomes the nearest valid time.
void put_time(const Time& time, std::uint32_t& seconds, std::uint32_t& extra) {
  constexpr std::int64_t kMin = INT32_MIN, kMax = (std::int64_t{3} << 32) + INT32_MAX;
  std::int64_t clamped = std::clamp(time.seconds, kMin, kMax);
  seconds = static_cast<std::uint32_t>(clamped);
  auto epoch = static_cast<std::uint32_t>((clamped - static_cast<std::int32_t>(seconds)) >> 32) & 3;
  extra = time.nanoseconds << 2 | epoch;
}

void put_device(const Node& node, ext2_inode_large& inode) {  // old_encode_dev and new_encode_dev of linux/kdev_t.h
  if (node.device_major < 256 && node.device_minor < 256)
    inode.i_block[0] = node.device_major << 8 | node.device_minor;
  else
    inode.i_block[1] = (node.device_minor & 0xff) | node.device_major << 8 | (node.device_minor & ~0xffu) << 12;
}

std::uint32_t link_count(Tree& tree, const Node& node) {
  if (!node.is_directory()) return node.names;
  auto below =
      std::ranges::count_if(*node.children, [&](const auto& child) { return tree[child.second.node].is_directory(); });
  return below > kMaxSubdirectories ? 1 : static_cast<std::uint32_t>(below) + 2;
}

std::uint64_t blocks_of(const Node& node) {
  std::uint64_t total = node.tree_blocks.size() + (node.xattr_block ? 1 : 0);
  for (const Extent& e : node.extents) total += e.count;
  return total;
}

void fill_inode(Tree& tree, const Node& node, ext2_inode_large& inode) {
  inode.i_mode = node.mode;
  inode.i_uid = static_cast<std::uint16_t>(node.uid);
  inode.i_gid = static_cast<std::uint16_t>(node.gid);
  inode.osd2.linux2.l_i_uid_high = static_cast<std::uint16_t>(node.uid >> 16);
  inode.osd2.linux2.l_i_gid_high = static_cast<std::uint16_t>(node.gid >> 16);
  inode.i_size = static_cast<std::uint32_t>(node.size);
  inode.i_size_high = static_cast<std::uint32_t>(node.size >> 32);
  inode.i_links_count = static_cast<std::uint16_t>(link_count(tree, node));
  inode.i_extra_isize = kInodeExtraBytes;
  put_time(node.mtime, inode.i_mtime, inode.i_mtime_extra);
  put_time(node.mtime, inode.i_ctime, inode.i_ctime_extra);
  put_time(node.mtime, inode.i_crtime, inode.i_crtime_extra);
  put_time(node.atime, inode.i_atime, inode.i_atime_extra);
  std::uint64_t sectors = blocks_of(node) * (kBlockBytes / 512);
  inode.i_blocks = static_cast<std::uint32_t>(sectors);
  inode.osd2.linux2.l_i_blocks_hi = static_cast<std::uint16_t>(sectors >> 32);
  inode.i_file_acl = static_cast<std::uint32_t>(node.xattr_block);
  inode.osd2.linux2.l_i_file_acl_high = static_cast<std::uint16_t>(node.xattr_block >> 32);
}

}  // namespace

std::size_t extent_tree_blocks(std::size_t extents) {
  std::size_t total = 0;
  for (std::size_t level = extents; level > kRootEntries;) {
    level = (level + kBlockEntries - 1) / kBlockEntries;
    total += level;
  }
  return total;
}

Result<> write_extent_tree(ext2_filsys fs, const Node& node, std::span<std::byte> root, BlockWriter& out) {
  if (node.extents.size() <= kRootEntries) {
    put_header(root.data(), node.extents.size(), kRootEntries, 0);
    put_extents(root.data(), node.extents);
    return {};
  }
  auto place = node.tree_blocks.begin();
  alignas(8) std::byte block[kBlockBytes];
  auto emit = [&]() -> Result<> {
    if (errcode_t code = ext2fs_extent_block_csum_set(fs, node.inode, reinterpret_cast<ext3_extent_header*>(block)))
      return fail_ext2("checksum of extents", code);
    return out.put(*place++, {reinterpret_cast<const char*>(block), kBlockBytes});
  };
  std::vector<Index> level;
  for (std::span<const Extent> rest(node.extents); !rest.empty();) {
    auto now = rest.first(std::min(rest.size(), kBlockEntries));
    std::memset(block, 0, sizeof block);
    put_header(block, now.size(), kBlockEntries, 0);
    put_extents(block, now);
    level.push_back({now.front().logical, *place});
    TRY(emit());
    rest = rest.subspan(now.size());
  }
  std::size_t depth = 1;
  for (; level.size() > kRootEntries; ++depth) {
    std::vector<Index> above;
    for (std::span<const Index> rest(level); !rest.empty();) {
      auto now = rest.first(std::min(rest.size(), kBlockEntries));
      std::memset(block, 0, sizeof block);
      put_header(block, now.size(), kBlockEntries, depth);
      put_indexes(block, now);
      above.push_back({now.front().logical, *place});
      TRY(emit());
      rest = rest.subspan(now.size());
    }
    level = std::move(above);
  }
  put_header(root.data(), level.size(), kRootEntries, depth);
  put_indexes(root.data(), level);
  return {};
}

std::uint64_t directory_blocks(Tree& tree, NodeId directory) {
  DirectoryPacker packer(nullptr, 0);
  pack_names(packer, tree, directory);
  return packer.blocks();
}

Result<> write_directory(ext2_filsys fs, Tree& tree, NodeId id, BlockWriter& out) {
  const Node& node = tree[id];
  DirectoryPacker packer(fs, node.inode);
  pack_names(packer, tree, id);
  std::string bytes = TRY(packer.finish(node.size / kBlockBytes));
  for (const Extent& e : node.extents)
    TRY(out.put(e.physical, std::string_view(bytes).substr(std::size_t{e.logical} * kBlockBytes,
                                                           std::size_t{e.count} * kBlockBytes)));
  return {};
}

Result<> write_xattr_block(ext2_filsys fs, const Node& node, BlockWriter& out) {
  alignas(8) std::byte block[kBlockBytes] = {};
  encode_xattr_block(node.xattrs, block);
  if (errcode_t code = ext2fs_ext_attr_block_csum_set(fs, node.inode, node.xattr_block,
                                                      reinterpret_cast<ext2_ext_attr_header*>(block)))
    return fail_ext2("checksum of attributes", code);
  return out.put(node.xattr_block, {reinterpret_cast<const char*>(block), kBlockBytes});
}

Result<> encode_inode(ext2_filsys fs, Tree& tree, NodeId id, std::span<std::byte> bytes, BlockWriter& out) {
  const Node& node = tree[id];
  auto& inode = *reinterpret_cast<ext2_inode_large*>(bytes.data());
  fill_inode(tree, node, inode);
  std::span<std::byte> map(reinterpret_cast<std::byte*>(inode.i_block), sizeof inode.i_block);
  if (S_ISLNK(node.mode) && node.target.size() <= kFastSymlinkBytes) {
    std::memcpy(map.data(), node.target.data(), node.target.size());
  } else if (S_ISCHR(node.mode) || S_ISBLK(node.mode)) {
    put_device(node, inode);
  } else if (!S_ISFIFO(node.mode)) {
    inode.i_flags |= EXT4_EXTENTS_FL;
    TRY(write_extent_tree(fs, node, map, out));
  }
  if (node.xattr_block) TRY(write_xattr_block(fs, node, out));
  encode_inode_xattrs(node.xattrs, bytes.subspan(128 + kInodeExtraBytes));
  if (errcode_t code = ext2fs_inode_csum_set(fs, node.inode, &inode)) return fail_ext2("checksum of an inode", code);
  return {};
}

}  // namespace banger::ext4
