#include "ext4/to_tar.h"

#include <set>

#include "base/text.h"
#include "ext4/image_members.h"

namespace banger::ext4 {

namespace {

class Writer {
 public:
  Writer(const ImageReader& image, tar::TarWriter& out) : image_(image), members_(image, out) {}

  Result<> add(ImageReader::Inode inode, const std::string& path, std::size_t depth) {
    Node node = TRY(image_.read_node(inode));
    TRY(members_.add(inode, node, path));
    if (!node.is_directory()) return {};
    TRY(check_depth(depth));
    if (!directories_.insert(inode).second) return damaged("a directory with two names");
    for (const auto& name : TRY(image_.names_in(inode))) {
      if (depth == 0 && name.text == kLostAndFound) continue;
      TRY(in(printable(name.text), add(name.inode, path + "/" + name.text, depth + 1)));
    }
    return {};
  }

 private:
  const ImageReader& image_;
  ImageMembers members_;
  std::set<ImageReader::Inode> directories_;
};

}  // namespace

Result<> write_tar_from_ext4(const std::string& image_path, int tar_fd) {
  auto image = TRY(ImageReader::open(image_path));
  auto out = TRY(tar::TarWriter::open(tar_fd));
  TRY(Writer(image, out).add(EXT2_ROOT_INO, ".", 0));
  return out.finish();
}

}  // namespace banger::ext4
