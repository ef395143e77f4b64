#include "ext4/entry.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"

namespace banger::ext4 {

namespace {

constexpr std::size_t kMaxTargetBytes = 4095;  // PATH_MAX without its NUL, and a block of ext4
constexpr std::int64_t kMaxFileBytes = std::int64_t{UINT32_MAX} * kBlockBytes;

std::string context(const tar::TarEntry& entry) { return fmt::format("archive entry '{}'", printable(entry.path)); }

std::unexpected<Error> refuse(const tar::TarEntry& entry, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("{} {}", context(entry), why));
}

Result<std::uint16_t> type_of(const tar::TarEntry& entry) {
  switch (entry.kind) {
    case tar::EntryKind::file:
      return S_IFREG;
    case tar::EntryKind::directory:
      return S_IFDIR;
    case tar::EntryKind::symlink:
      return S_IFLNK;
    case tar::EntryKind::character_device:
      return S_IFCHR;
    case tar::EntryKind::block_device:
      return S_IFBLK;
    case tar::EntryKind::fifo:
      return S_IFIFO;
    default:
      return refuse(entry, "is of an unknown kind");
  }
}

Result<> check(const tar::TarEntry& entry) {
  if (entry.uid < 0 || entry.uid > UINT32_MAX || entry.gid < 0 || entry.gid > UINT32_MAX)
    return refuse(entry, fmt::format("has the invalid owner {}:{}", entry.uid, entry.gid));
  if (entry.size < 0 || entry.size > kMaxFileBytes)
    return refuse(entry, fmt::format("has the invalid size {}", entry.size));
  if (entry.device_major < 0 || entry.device_major >= 1 << 12 || entry.device_minor < 0 ||
      entry.device_minor >= 1 << 20)
    return refuse(entry, fmt::format("is the invalid device {}:{}", entry.device_major, entry.device_minor));
  if (entry.kind == tar::EntryKind::symlink && (entry.target.empty() || entry.target.size() > kMaxTargetBytes))
    return refuse(entry, "is a symlink with an empty or overlong target");
  return {};
}

Result<Node> make_node(const tar::TarEntry& entry) {
  TRY(check(entry));
  Node node;
  node.mode = static_cast<std::uint16_t>(TRY(type_of(entry)) | entry.mode);
  node.uid = static_cast<std::uint32_t>(entry.uid);
  node.gid = static_cast<std::uint32_t>(entry.gid);
  node.mtime = {entry.mtime.seconds, entry.mtime.nanoseconds};
  node.atime = entry.atime ? Time{entry.atime->seconds, entry.atime->nanoseconds} : node.mtime;
  node.size = static_cast<std::uint64_t>(entry.size);
  node.device_major = static_cast<std::uint32_t>(entry.device_major);
  node.device_minor = static_cast<std::uint32_t>(entry.device_minor);
  node.target = entry.target;
  if (entry.kind == tar::EntryKind::directory) node.children = std::make_unique<Names>();
  for (const auto& [name, value] : entry.xattrs)
    if (auto xattr = TRY(in(context(entry), make_xattr(name, value)))) node.xattrs.push_back(std::move(*xattr));
  TRY(arrange_xattrs(node.xattrs, entry.path));
  return node;
}

Result<> copy_content(tar::TarReader& reader, Build& build, NodeId file, const Progress& progress) {
  std::uint64_t size = build.tree()[file].size;
  for (;;) {
    auto block = TRY(reader.next_block());
    if (!block) return build.end(file);
    if (block->offset > size || block->data.size() > size - block->offset)
      return fail(ErrorCode::corrupt, "archive is damaged: a file has more content than its size");
    TRY(build.write(file, block->offset, block->data, progress));
  }
}

}  // namespace

Result<> add_entry(tar::TarReader& reader, Build& build, const tar::TarEntry& entry, const Progress& progress) {
  TRY(build.punch_much());
  if (entry.kind == tar::EntryKind::hard_link) return build.tree().link(entry.path, entry.target);
  Node node = TRY(make_node(entry));
  NodeId id = TRY(build.tree().place(entry.path, std::move(node)));
  if (entry.kind == tar::EntryKind::symlink) return build.store_target(id);
  if (entry.kind == tar::EntryKind::file) return in(context(entry), copy_content(reader, build, id, progress));
  return {};
}

}  // namespace banger::ext4
