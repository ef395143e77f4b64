#include "tar/acl.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/text.h"

namespace banger::tar {

namespace {

// linux/posix_acl.h and linux/posix_acl_xattr.h: all little-endian.
constexpr std::uint32_t kVersion = 2, kNoId = 0xffffffff;
enum Tag : std::uint16_t {
  kUserObj = 0x01,
  kUser = 0x02,
  kGroupObj = 0x04,
  kGroup = 0x08,
  kMask = 0x10,
  kOther = 0x20
};

struct AclEntry {
  std::uint16_t tag = 0, permissions = 0;
  std::uint32_t id = kNoId;
  auto key() const { return std::tuple(tag, id); }  // the kernel requires ascending tags
};

template <class T>
void append_le(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

std::uint16_t tag_of(int archive_tag) {
  switch (archive_tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
      return kUserObj;
    case ARCHIVE_ENTRY_ACL_USER:
      return kUser;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
      return kGroupObj;
    case ARCHIVE_ENTRY_ACL_GROUP:
      return kGroup;
    case ARCHIVE_ENTRY_ACL_MASK:
      return kMask;
    case ARCHIVE_ENTRY_ACL_OTHER:
      return kOther;
    default:
      return 0;
  }
}

Result<std::vector<AclEntry>> read_entries(archive_entry* entry, int want) {
  std::vector<AclEntry> entries;
  archive_entry_acl_reset(entry, want);
  int type, permset, tag, id;
  const char* name = nullptr;
  const char* path = archive_entry_pathname(entry);
  while (archive_entry_acl_next(entry, want, &type, &permset, &tag, &id, &name) == ARCHIVE_OK) {
    AclEntry one{.tag = tag_of(tag), .permissions = static_cast<std::uint16_t>(permset & 7)};
    if (type != want || one.tag == 0) continue;
    if (one.tag == kUser || one.tag == kGroup) {
      if (id < 0)
        return fail(ErrorCode::unsupported,
                    fmt::format("ACL of '{}' names '{}' without a number", printable(path ? path : ""),
                                printable(name ? name : "")),
                    "make the archive with tar --numeric-owner");
      one.id = static_cast<std::uint32_t>(id);
    }
    entries.push_back(one);
  }
  return entries;
}

}  // namespace

Result<std::optional<std::string>> acl_xattr(archive_entry* entry, AclType type) {
  int want = type == AclType::access ? ARCHIVE_ENTRY_ACL_TYPE_ACCESS : ARCHIVE_ENTRY_ACL_TYPE_DEFAULT;
  if ((archive_entry_acl_types(entry) & want) == 0 || archive_entry_acl_count(entry, want) == 0) return std::nullopt;
  auto entries = TRY(read_entries(entry, want));
  if (entries.empty()) return std::nullopt;
  auto has = [&](std::uint16_t tag) {
    return std::ranges::any_of(entries, [&](const AclEntry& e) { return e.tag == tag; });
  };
  // A named entry needs a mask (acl(5)). A missing mask is the union of all group-class entries.
  if ((has(kUser) || has(kGroup)) && !has(kMask)) {
    AclEntry mask{.tag = kMask};
    for (const AclEntry& e : entries)
      if (e.tag == kUser || e.tag == kGroup || e.tag == kGroupObj) mask.permissions |= e.permissions;
    entries.push_back(mask);
  }
  for (std::uint16_t tag : {kUserObj, kGroupObj, kOther})
    if (!has(tag)) entries.push_back({.tag = tag});
  std::ranges::sort(entries, {}, &AclEntry::key);
  auto repeated = std::ranges::unique(entries, {}, &AclEntry::key);
  entries.erase(repeated.begin(), repeated.end());
  std::string value;
  append_le(value, kVersion);
  for (const AclEntry& e : entries) {
    append_le(value, e.tag);
    append_le(value, e.permissions);
    append_le(value, e.id);
  }
  return value;
}

std::optional<unsigned> acl_mask(const std::string& value) {
  for (std::size_t at = 4; at + 8 <= value.size(); at += 8)
    if (static_cast<unsigned char>(value[at]) == kMask) return static_cast<unsigned char>(value[at + 2]) & 7u;
  return std::nullopt;
}

}  // namespace banger::tar
