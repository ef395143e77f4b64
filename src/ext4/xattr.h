// Extended attributes as ext4 stores them: in the inode's tail and in one block.
// Source: Documentation/filesystems/ext4/attributes.rst, fs/ext4/acl.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace banger::ext4 {

/// One attribute: its prefix as ext4's name index, the rest of its name, its value in on-disk form.
struct Xattr {
  std::uint8_t index = 0;
  std::string name, value;
  bool operator==(const Xattr&) const = default;
};

/// Converts the full name and value as Linux's setxattr gets them. nullopt for an unknown prefix, which Linux refuses
/// on ext4 too. `invalid` for a malformed ACL.
Result<std::optional<Xattr>> make_xattr(std::string_view full_name, std::string_view value);

/// The full name and value as Linux's getxattr gives them: the inverse of make_xattr. `corrupt` for what is neither.
Result<std::pair<std::string, std::string>> linux_xattr(const Xattr& xattr);

/// Sorts attributes in the order of a block. `invalid`, naming `path`, if they do not fit.
Result<> arrange_xattrs(std::vector<Xattr>& xattrs, std::string_view path);

/// Whether the inode is too small for all of them, so that a block is needed.
bool needs_xattr_block(const std::vector<Xattr>& xattrs);

/// Writes the attributes that fit into the inode to its tail (zeroed; after i_extra_isize).
void encode_inode_xattrs(const std::vector<Xattr>& xattrs, std::span<std::byte> tail);
/// Writes the others to a zeroed block, without its checksum.
void encode_xattr_block(const std::vector<Xattr>& xattrs, std::span<std::byte> block);

/// Reads attributes back from both places. Each may be empty; a damaged one is `corrupt`.
Result<std::vector<Xattr>> decode_xattrs(std::span<const std::byte> inode_tail, std::span<const std::byte> block);

}  // namespace banger::ext4
