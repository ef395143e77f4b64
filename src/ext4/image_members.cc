#include "ext4/image_members.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "tar/bounds.h"
#include "tar/whiteout.h"

namespace banger::ext4 {

namespace {

tar::EntryKind kind_of(std::uint16_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return tar::EntryKind::directory;
    case S_IFLNK:
      return tar::EntryKind::symlink;
    case S_IFCHR:
      return tar::EntryKind::character_device;
    case S_IFBLK:
      return tar::EntryKind::block_device;
    case S_IFIFO:
      return tar::EntryKind::fifo;
    default:
      return tar::EntryKind::file;
  }
}

Result<tar::TarEntry> make_entry(const std::string& path, const Node& node) {
  tar::TarEntry entry{.path = path,
                      .kind = kind_of(node.mode),
                      .mode = node.mode & 07777u,
                      .uid = node.uid,
                      .gid = node.gid,
                      .mtime = {node.mtime.seconds, node.mtime.nanoseconds},
                      .size = S_ISREG(node.mode) ? static_cast<std::int64_t>(node.size) : 0,
                      .device_major = node.device_major,
                      .device_minor = node.device_minor,
                      .target = node.target};
  for (const auto& xattr : node.xattrs) entry.xattrs.push_back(TRY(linux_xattr(xattr)));
  return entry;
}

Result<> check_name(const std::string& path) {
  if (!TRY(tar::whiteout_of(path))) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("the image has '{}', and in a layer such a name removes a file", printable(path)),
              "give it a name that does not start with '.wh.'");
}

}  // namespace

Result<> check_depth(std::size_t depth) {
  if (depth > limits::kTreeDepth) return damaged("directories that are too deep");
  return {};
}

Result<> ImageMembers::add(ImageReader::Inode inode, const Node& node, const std::string& path) {
  TRY(check_name(path));
  auto entry = TRY(make_entry(path, node));
  if (!node.is_directory() && node.names > 1) {
    auto [first, is_first] = first_names_.emplace(inode, path);
    if (!is_first) {
      entry.kind = tar::EntryKind::hard_link;
      entry.target = first->second;
      entry.xattrs.clear();
      return out_.add(entry);
    }
  }
  return S_ISREG(node.mode) ? add_file(inode, entry) : out_.add(entry);
}

Result<> ImageMembers::add_whiteout(const std::string& directory, const std::string& name) {
  return out_.add({.path = directory + "/" + tar::whiteout_for(name), .kind = tar::EntryKind::file});
}

Result<> ImageMembers::add_file(ImageReader::Inode inode, const tar::TarEntry& entry) {
  auto size = static_cast<std::uint64_t>(entry.size);
  auto data = TRY(image_.data_of(inode, size));
  bool whole = size == 0 || (data.size() == 1 && data[0].offset == 0 && data[0].size == size);
  // A header has room for so many parts only. Of other files, the holes are written as zeros.
  bool sparse = !whole && data.size() <= limits::kFileExtents;
  if (sparse && data.empty()) data.push_back({0, 0});
  TRY(out_.add(entry, sparse ? std::span<const tar::Extent>(data) : std::span<const tar::Extent>()));
  std::uint64_t at = 0;
  TRY(image_.read_data(inode, size, [&](std::uint64_t offset, std::string_view bytes) -> Result<> {
    TRY(out_.write_zeros(offset - at));
    at = offset + bytes.size();
    return out_.write(bytes);
  }));
  return out_.write_zeros(size - at);
}

}  // namespace banger::ext4
