#include "ext4/xattr.h"

#include <ext2fs/ext2_ext_attr.h>
#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/text.h"
#include "ext4/layout.h"

namespace banger::ext4 {

namespace {

constexpr std::size_t kEntryBytes = sizeof(ext2_ext_attr_entry);
constexpr std::size_t kHeaderBytes = sizeof(ext2_ext_attr_header);
constexpr std::size_t kEndMark = 4;                                 // a zero word after the last entry
constexpr std::size_t kInodeRoom = kInodeTailBytes - 4 - kEndMark;  // after the magic
constexpr std::size_t kBlockRoom = kBlockBytes - kHeaderBytes - kEndMark;

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }
std::size_t stored_size(const Xattr& x) { return padded(kEntryBytes + x.name.size()) + padded(x.value.size()); }

struct Prefix {
  std::string_view text;
  std::uint8_t index;
  bool whole;  ///< the prefix is the whole name
};
constexpr Prefix kPrefixes[] = {{"system.posix_acl_access", 2, true},
                                {"system.posix_acl_default", 3, true},
                                {"user.", 1, false},
                                {"trusted.", 4, false},
                                {"security.", 6, false},
                                {"system.", 7, false}};

/// From the xattr form (version 2, 8 bytes an entry) to the on-disk form (version 1, without unused ids).
std::optional<std::string> acl_to_disk(std::string_view value) {
  auto bytes = [&](std::size_t at, std::size_t count) { return value.substr(at, count); };
  if (value.size() < 4 || (value.size() - 4) % 8 != 0 || bytes(0, 4) != std::string_view("\2\0\0\0", 4))
    return std::nullopt;
  std::string disk("\1\0\0\0", 4);
  for (std::size_t at = 4; at < value.size(); at += 8) {
    if (value[at + 1] != 0) return std::nullopt;
    switch (value[at]) {
      case 0x01:
      case 0x04:
      case 0x10:
      case 0x20:
        disk += bytes(at, 4);
        break;
      case 0x02:
      case 0x08:
        disk += bytes(at, 8);
        break;
      default:
        return std::nullopt;
    }
  }
  return disk;
}

/// The inverse. Entries without an id have 4 bytes on the disk.
std::optional<std::string> acl_from_disk(std::string_view disk) {
  if (disk.size() < 4 || disk.substr(0, 4) != std::string_view("\1\0\0\0", 4)) return std::nullopt;
  std::string value("\2\0\0\0", 4);
  for (std::size_t at = 4; at < disk.size();) {
    bool named = disk[at] == 0x02 || disk[at] == 0x08;
    std::size_t size = named ? 8 : 4;
    if (disk.size() - at < size) return std::nullopt;
    value += disk.substr(at, size);
    if (!named) value += "\xff\xff\xff\xff";
    at += size;
  }
  return value;
}

/// Marks the attributes that go into the inode: in order, each that still fits.
std::vector<bool> in_inode(const std::vector<Xattr>& xattrs) {
  std::vector<bool> inside(xattrs.size());
  std::size_t room = kInodeRoom;
  for (std::size_t i = 0; i < xattrs.size(); ++i) {
    inside[i] = stored_size(xattrs[i]) <= room;
    if (inside[i]) room -= stored_size(xattrs[i]);
  }
  return inside;
}

/// Writes entries upwards from `entries_at` and values downwards from the end. Value offsets count from `origin`.
/// Returns the end of the entries.
std::size_t put_entries(const std::vector<Xattr>& xattrs, bool inside, std::span<std::byte> area,
                        std::size_t entries_at, std::size_t origin, bool hashed) {
  auto chosen = in_inode(xattrs);
  std::size_t values_at = area.size();
  for (std::size_t i = 0; i < xattrs.size(); ++i) {
    if (chosen[i] != inside) continue;
    const Xattr& x = xattrs[i];
    values_at -= padded(x.value.size());
    std::memcpy(area.data() + values_at, x.value.data(), x.value.size());
    ext2_ext_attr_entry entry{};
    entry.e_name_len = static_cast<std::uint8_t>(x.name.size());
    entry.e_name_index = x.index;
    entry.e_value_offs = x.value.empty() ? 0 : static_cast<std::uint16_t>(values_at - origin);
    entry.e_value_size = static_cast<std::uint32_t>(x.value.size());
    std::memcpy(area.data() + entries_at, &entry, kEntryBytes);
    std::memcpy(area.data() + entries_at + kEntryBytes, x.name.data(), x.name.size());
    auto* stored = reinterpret_cast<ext2_ext_attr_entry*>(area.data() + entries_at);
    if (hashed) stored->e_hash = ext2fs_ext_attr_hash_entry(stored, area.data() + values_at);
    entries_at += padded(kEntryBytes + x.name.size());
  }
  return entries_at;
}

Result<> get_entries(std::span<const std::byte> area, std::size_t entries_at, std::size_t origin,
                     std::vector<Xattr>& out) {
  auto damaged = [] { return fail(ErrorCode::corrupt, "extended attributes are damaged"); };
  for (std::size_t at = entries_at;;) {
    std::uint32_t end = 0;
    if (at + kEndMark > area.size()) return damaged();
    std::memcpy(&end, area.data() + at, kEndMark);
    if (end == 0) return {};
    ext2_ext_attr_entry entry;
    if (at + kEntryBytes > area.size()) return damaged();
    std::memcpy(&entry, area.data() + at, kEntryBytes);
    std::size_t name_at = at + kEntryBytes, value_at = origin + entry.e_value_offs;
    if (name_at + entry.e_name_len > area.size() || entry.e_value_inum != 0 || entry.e_value_size > area.size())
      return damaged();
    if (entry.e_value_size > 0 && value_at + entry.e_value_size > area.size()) return damaged();
    auto text = [&](std::size_t from, std::size_t size) {
      return std::string(reinterpret_cast<const char*>(area.data()) + from, size);
    };
    out.push_back({entry.e_name_index, text(name_at, entry.e_name_len),
                   entry.e_value_size ? text(value_at, entry.e_value_size) : std::string()});
    at = padded(name_at + entry.e_name_len);
  }
}

}  // namespace

Result<std::optional<Xattr>> make_xattr(std::string_view full_name, std::string_view value) {
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.whole ? full_name != prefix.text : !full_name.starts_with(prefix.text)) continue;
    if (prefix.whole) {
      auto acl = acl_to_disk(value);
      if (!acl) return fail(ErrorCode::invalid, fmt::format("malformed ACL in '{}'", full_name));
      return Xattr{prefix.index, {}, std::move(*acl)};
    }
    std::string_view name = full_name.substr(prefix.text.size());
    if (name.empty() || name.size() > 255)
      return fail(ErrorCode::invalid, fmt::format("bad attribute name '{}'", printable(full_name)));
    return Xattr{prefix.index, std::string(name), std::string(value)};
  }
  return std::nullopt;
}

Result<std::pair<std::string, std::string>> linux_xattr(const Xattr& xattr) {
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.index != xattr.index) continue;
    if (!prefix.whole) return std::pair{std::string(prefix.text) + xattr.name, xattr.value};
    if (auto acl = acl_from_disk(xattr.value)) return std::pair{std::string(prefix.text), std::move(*acl)};
    return fail(ErrorCode::corrupt, "an ACL is damaged");
  }
  return fail(ErrorCode::corrupt, "an extended attribute has an unknown prefix");
}

Result<> arrange_xattrs(std::vector<Xattr>& xattrs, std::string_view path) {
  std::ranges::sort(xattrs, {},
                    [](const Xattr& x) { return std::tuple(x.index, x.name.size(), std::string_view(x.name)); });
  auto inside = in_inode(xattrs);
  std::size_t size = 0;
  for (std::size_t i = 0; i < xattrs.size(); ++i)
    if (!inside[i]) size += stored_size(xattrs[i]);
  if (size > kBlockRoom)
    return fail(ErrorCode::invalid, fmt::format("extended attributes of '{}' do not fit into ext4's {} bytes",
                                                printable(path), kBlockRoom));
  return {};
}

bool needs_xattr_block(const std::vector<Xattr>& xattrs) {
  auto inside = in_inode(xattrs);
  return std::ranges::find(inside, false) != inside.end();
}

void encode_inode_xattrs(const std::vector<Xattr>& xattrs, std::span<std::byte> tail) {
  auto inside = in_inode(xattrs);
  if (std::ranges::find(inside, true) == inside.end()) return;
  std::uint32_t magic = EXT2_EXT_ATTR_MAGIC;
  std::memcpy(tail.data(), &magic, sizeof magic);
  put_entries(xattrs, true, tail, sizeof magic, sizeof magic, false);  // no hash: in inodes the kernel leaves it 0
}

void encode_xattr_block(const std::vector<Xattr>& xattrs, std::span<std::byte> block) {
  auto* header = reinterpret_cast<ext2_ext_attr_header*>(block.data());
  header->h_magic = EXT2_EXT_ATTR_MAGIC;
  header->h_refcount = header->h_blocks = 1;
  std::size_t end = put_entries(xattrs, false, block, kHeaderBytes, 0, true);
  ext2fs_ext_attr_block_rehash(header, reinterpret_cast<ext2_ext_attr_entry*>(block.data() + end));
}

Result<std::vector<Xattr>> decode_xattrs(std::span<const std::byte> inode_tail, std::span<const std::byte> block) {
  std::vector<Xattr> out;
  std::uint32_t magic = 0;
  if (inode_tail.size() >= 4) std::memcpy(&magic, inode_tail.data(), 4);
  if (magic == EXT2_EXT_ATTR_MAGIC) TRY(get_entries(inode_tail, 4, 4, out));
  if (block.empty()) return out;
  std::memcpy(&magic, block.data(), 4);
  if (magic != EXT2_EXT_ATTR_MAGIC) return fail(ErrorCode::corrupt, "an extended attribute block is damaged");
  TRY(get_entries(block, kHeaderBytes, 0, out));
  return out;
}

}  // namespace banger::ext4
