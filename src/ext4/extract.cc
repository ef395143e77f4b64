// A subtree of one image as an image of its own. The source may be damaged and is not trusted.
#include <fmt/format.h>
#include <sys/stat.h>

#include <map>

#include "base/text.h"
#include "ext4/build.h"
#include "ext4/ext4.h"
#include "ext4/image_reader.h"
#include "tar/path.h"

namespace banger::ext4 {

namespace {

/// Copies inode by inode. Records which node a hard-linked inode became and which directories were entered.
class Extractor {
 public:
  Extractor(const ImageReader& image, Build& build) : image_(image), build_(build) {}

  Result<> copy_root(ext2_ino_t directory) {
    Node node = TRY(image_.read_node(directory));
    if (!node.is_directory()) return fail(ErrorCode::not_found, "it is not a directory");
    build_.tree()[kRoot] = std::move(node);
    copied_[directory] = kRoot;
    pending_.push_back({directory, kRoot});
    while (!pending_.empty()) {
      auto [from, to] = pending_.back();
      pending_.pop_back();
      for (const auto& name : TRY(image_.names_in(from))) TRY(in(printable(name.text), copy_child(name, to)));
    }
    return {};
  }

 private:
  Result<> copy_child(const ImageReader::Name& name, NodeId directory) {
    auto seen = copied_.find(name.inode);
    if (seen != copied_.end()) {
      if (build_.tree()[seen->second].is_directory()) return damaged("a directory with two names");
      return build_.tree().add_name(directory, name.text, seen->second);
    }
    Node node = TRY(image_.read_node(name.inode));
    node.names = 0;  // counted again, because names outside of the subtree do not come along
    auto mode = node.mode;
    NodeId id = TRY(build_.tree().add_child(directory, name.text, std::move(node)));
    copied_[name.inode] = id;
    if (S_ISDIR(mode)) pending_.push_back({name.inode, id});
    if (S_ISLNK(mode)) return build_.store_target(id);
    if (S_ISREG(mode)) return copy_content(name.inode, id);
    return {};
  }

  Result<> copy_content(ext2_ino_t number, NodeId id) {
    TRY(image_.read_data(number, build_.tree()[id].size, [&](std::uint64_t offset, std::string_view bytes) {
      return build_.write(id, offset, bytes, {});
    }));
    return build_.end(id);
  }

  const ImageReader& image_;
  Build& build_;
  std::map<ext2_ino_t, NodeId> copied_;
  std::vector<std::pair<ext2_ino_t, NodeId>> pending_;
};

Result<ext2_ino_t> find_directory(ext2_filsys fs, const std::string& directory) {
  ext2_ino_t at = EXT2_ROOT_INO;
  for (std::string_view part : TRY(tar::split_member(directory, tar::AbsoluteNames::make_relative))) {
    errcode_t code = ext2fs_lookup(fs, at, part.data(), static_cast<int>(part.size()), nullptr, &at);
    if (code == EXT2_ET_FILE_NOT_FOUND || code == EXT2_ET_NO_DIRECTORY)
      return fail(ErrorCode::not_found, "it is not in the image");
    if (code) return fail_ext2("look it up", code);
  }
  return at;
}

}  // namespace

Result<Ext4Stats> extract_subtree(const std::string& image_path, const std::string& directory, const std::string& path,
                                  const Ext4Options& options) {
  auto made = [&]() -> Result<Ext4Stats> {
    auto image = TRY(ImageReader::open(image_path));
    ext2_ino_t from = TRY(find_directory(image.fs(), directory));
    auto build = TRY(Build::create(path, options));
    TRY(Extractor(image, *build).copy_root(from));
    return build->finish();
  };
  return in(fmt::format("copy {} of {}", directory, image_path), made());
}

}  // namespace banger::ext4
