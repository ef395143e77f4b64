#include "ext4/to_tar.h"

#include <sys/stat.h>

#include <map>
#include <vector>

#include "base/text.h"
#include "ext4/image_reader.h"
#include "tar/bounds.h"
#include "tar/writer.h"

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

class Writer {
 public:
  Writer(const ImageReader& image, tar::TarWriter& out) : image_(image), out_(out) {}

  Result<> add_directory(ImageReader::Inode inode, const std::string& path, std::size_t depth) {
    if (depth > limits::kTreeDepth) return damaged("directories that are too deep");
    if (!directories_.emplace(inode, path).second) return damaged("a directory with two names");
    TRY(out_.add(TRY(make_entry(path, TRY(image_.read_node(inode))))));
    for (const auto& name : TRY(image_.names_in(inode))) {
      if (depth == 0 && name.text == "lost+found") continue;
      TRY(in(printable(name.text), add(name.inode, path + "/" + name.text, depth + 1)));
    }
    return {};
  }

 private:
  Result<> add(ImageReader::Inode inode, const std::string& path, std::size_t depth) {
    auto known = first_names_.find(inode);
    Node node = TRY(image_.read_node(inode));
    if (node.is_directory()) return add_directory(inode, path, depth);
    auto entry = TRY(make_entry(path, node));
    if (known != first_names_.end()) {
      entry.kind = tar::EntryKind::hard_link;
      entry.target = known->second;
      entry.xattrs.clear();
      return out_.add(entry);
    }
    first_names_.emplace(inode, path);
    if (!S_ISREG(node.mode)) return out_.add(entry);
    return add_file(inode, entry);
  }

  Result<> add_file(ImageReader::Inode inode, const tar::TarEntry& entry) {
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

  const ImageReader& image_;
  tar::TarWriter& out_;
  std::map<ImageReader::Inode, std::string> first_names_, directories_;
};

}  // namespace

Result<> write_tar_from_ext4(const std::string& image_path, int tar_fd) {
  auto image = TRY(ImageReader::open(image_path));
  auto out = TRY(tar::TarWriter::open(tar_fd));
  TRY(Writer(image, out).add_directory(EXT2_ROOT_INO, ".", 0));
  return out.finish();
}

}  // namespace banger::ext4
