// Turns a finished tree into a file system around its content.
#pragma once

#include "base/result.h"
#include "ext4/ext4.h"
#include "ext4/layout.h"
#include "ext4/tree.h"

namespace banger::ext4 {

/// Gives every node its inode number and its metadata blocks at the cursor, right after the content.
/// `lost_and_found`, if not kRoot, becomes inode 11 with room for names, as e2fsck wants it.
Result<> lay_out(Tree& tree, BlockCursor& cursor, NodeId lost_and_found);

/// Writes everything but the content: superblock, descriptors, bitmaps, inode tables, directories, resize inode and
/// journal. Sets the length of the file behind `fd`. Does not sync. Returns the size in bytes.
Result<std::uint64_t> format(int fd, Tree& tree, const BlockCursor& cursor, const Ext4Options& options);

}  // namespace banger::ext4
