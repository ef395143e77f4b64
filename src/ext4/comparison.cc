#include "ext4/comparison.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "ext4/image_members.h"

namespace banger::ext4 {

namespace {

class LinkSearch {
 public:
  explicit LinkSearch(const ImageReader& image) : image_(image) {}

  Result<> search(ImageReader::Inode directory, const std::string& path, std::size_t depth) {
    TRY(check_depth(depth));
    if (!directories_.insert(directory).second) return damaged("a directory with two names");
    for (const auto& name : TRY(image_.names_in(directory))) {
      if (depth == 0 && name.text == kLostAndFound) continue;
      TRY(in(printable(name.text), add(name.inode, path + "/" + name.text, depth)));
    }
    return {};
  }

  LinkedFiles found;

 private:
  Result<> add(ImageReader::Inode inode, const std::string& path, std::size_t depth) {
    Node node = TRY(image_.read_node(inode));
    if (node.is_directory()) return search(inode, path, depth + 1);
    if (node.names > 1) found[inode].push_back(path);
    return {};
  }

  const ImageReader& image_;
  std::set<ImageReader::Inode> directories_;
};

bool same_owner(const Node& a, const Node& b) {
  return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.xattrs == b.xattrs;
}

bool same_metadata(const Node& a, const Node& b) {
  return same_owner(a, b) && a.mtime.seconds == b.mtime.seconds && a.mtime.nanoseconds == b.mtime.nanoseconds &&
         a.size == b.size && a.target == b.target && a.device_major == b.device_major &&
         a.device_minor == b.device_minor;
}

/// The other names do not count when only one of the names is in the image.
bool same_names(const Inode& a, const Inode& b) {
  static const std::vector<std::string> kNone;
  auto names = [](const Inode& inode) -> const std::vector<std::string>& {
    auto found = inode.links.find(inode.number);
    return found == inode.links.end() || found->second.size() < 2 ? kNone : found->second;
  };
  return names(a) == names(b);
}

/// Whether `b` has the data of `a` in the same places. Where `a` has a hole, anything may be.
Result<bool> has_data_of(const Inode& a, const Inode& b) {
  auto runs = TRY(b.image.runs_of(b.number, b.node.size));
  std::string buffer;
  bool same = true;
  TRY(a.image.read_data(a.number, a.node.size, [&](std::uint64_t offset, std::string_view bytes) -> Result<> {
    if (!same) return {};
    buffer.resize(bytes.size());
    TRY(b.image.read_range(runs, offset, buffer));
    same = buffer == bytes;
    return {};
  }));
  return same;
}

Result<bool> same_content(const Inode& a, const Inode& b) {
  if (!TRY(has_data_of(a, b))) return false;
  auto holes_too = [](const auto& left, const auto& right) {
    return std::ranges::equal(left, right, [](const tar::Extent& one, const tar::Extent& other) {
      return one.offset == other.offset && one.size == other.size;
    });
  };
  if (holes_too(TRY(a.image.data_of(a.number, a.node.size)), TRY(b.image.data_of(b.number, b.node.size)))) return true;
  return has_data_of(b, a);
}

}  // namespace

Result<LinkedFiles> find_linked_files(const ImageReader& image) {
  LinkSearch search(image);
  TRY(search.search(EXT2_ROOT_INO, ".", 0));
  return std::move(search.found);
}

bool same_directory(const Node& a, const Node& b) { return same_owner(a, b); }

Result<bool> same_file(const Inode& a, const Inode& b) {
  if (!same_metadata(a.node, b.node) || !same_names(a, b)) return false;
  return S_ISREG(a.node.mode) ? same_content(a, b) : true;
}

}  // namespace banger::ext4
