// Inodes, directory blocks and extent trees in their on-disk form, with their checksums.
// Source: Documentation/filesystems/ext4/{inodes,directory,ifork}.rst.
#pragma once

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "ext4/data.h"
#include "ext4/tree.h"

namespace banger::ext4 {

/// Blocks of the extent tree that do not fit into the inode.
std::size_t extent_tree_blocks(std::size_t extents);

/// The number of blocks of a directory; 1 when it is empty.
std::uint64_t directory_blocks(Tree& tree, NodeId directory);

/// Writes a directory's blocks to its extents. REQUIRES: all inode numbers are assigned.
Result<> write_directory(ext2_filsys fs, Tree& tree, NodeId directory, BlockWriter& out);

/// Writes an extent tree to node.tree_blocks and its root to `root` (i_block, 60 bytes).
Result<> write_extent_tree(ext2_filsys fs, const Node& node, std::span<std::byte> root, BlockWriter& out);

/// Writes the attributes that do not fit into the inode to node.xattr_block.
Result<> write_xattr_block(ext2_filsys fs, const Node& node, BlockWriter& out);

/// Encodes a node as kInodeBytes bytes of inode table. Also writes its extent tree and attribute block.
Result<> encode_inode(ext2_filsys fs, Tree& tree, NodeId id, std::span<std::byte> inode, BlockWriter& out);

}  // namespace banger::ext4
