#include "ext4/differences.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "ext4/comparison.h"
#include "ext4/image_members.h"

namespace banger::ext4 {

namespace {

using Number = ImageReader::Inode;

struct Side {
  ImageReader image;
  LinkedFiles links;

  static Result<Side> open(const std::string& path) {
    auto image = TRY(ImageReader::open(path));
    auto links = TRY(find_linked_files(image));
    return Side{std::move(image), std::move(links)};
  }
};

class Walk {
 public:
  Walk(const Side& base, const Side& image, tar::TarWriter& out, const std::atomic<bool>* stop)
      : base_(base), image_(image), members_(image.image, out), stop_(stop) {}

  Result<> compare_roots() {
    auto node = TRY(image_.image.read_node(EXT2_ROOT_INO));
    auto base = TRY(base_.image.read_node(EXT2_ROOT_INO));
    if (!node.is_directory() || !base.is_directory()) return damaged("a root that is no directory");
    bool unchanged = same_directory(node, base);
    return enter({EXT2_ROOT_INO, std::move(node), "."}, EXT2_ROOT_INO, unchanged);
  }

 private:
  struct Directory {
    Number number;
    Node node;
    std::string path;
  };

  /// Walks through a directory of the image. It is written before anything below it.
  Result<> enter(Directory directory, std::optional<Number> base, bool unchanged) {
    TRY(check_depth(open_.size()));
    open_.push_back(std::move(directory));
    if (!unchanged) TRY(write_open());
    TRY(walk(base));
    open_.pop_back();
    written_ = std::min(written_, open_.size());
    return {};
  }

  Result<> write_open() {
    for (; written_ < open_.size(); ++written_) {
      const auto& directory = open_[written_];
      TRY(members_.add(directory.number, directory.node, directory.path));
    }
    return {};
  }

  Result<> walk(std::optional<Number> base) {
    auto number = open_.back().number;
    auto names = TRY(names_in(image_.image, number));
    auto before = base ? TRY(names_in(base_.image, *base)) : std::vector<ImageReader::Name>();
    for (const auto& name : before)
      if (!find(names, name.text)) TRY(remove(name.text));
    for (const auto& name : names) TRY(in(printable(name.text), compare(name, find(before, name.text))));
    return {};
  }

  Result<std::vector<ImageReader::Name>> names_in(const ImageReader& image, Number directory) const {
    auto names = TRY(image.names_in(directory));
    if (open_.size() == 1) std::erase_if(names, [](const auto& name) { return name.text == kLostAndFound; });
    return names;
  }

  static std::optional<Number> find(const std::vector<ImageReader::Name>& names, const std::string& text) {
    auto found = std::ranges::lower_bound(names, text, {}, &ImageReader::Name::text);
    return found == names.end() || found->text != text ? std::nullopt : std::optional(found->inode);
  }

  Result<> remove(const std::string& name) {
    TRY(write_open());
    return members_.add_whiteout(open_.back().path, name);
  }

  Result<> compare(const ImageReader::Name& name, std::optional<Number> base) {
    if (stop_ && stop_->load(std::memory_order_relaxed)) return fail(ErrorCode::cancelled, "cancelled");
    auto path = open_.back().path + "/" + name.text;
    auto node = TRY(image_.image.read_node(name.inode));
    std::optional<Node> before;
    if (base) before = TRY(base_.image.read_node(*base));
    if (node.is_directory()) {
      bool merges = before && before->is_directory(), unchanged = merges && same_directory(node, *before);
      return enter({name.inode, std::move(node), std::move(path)}, merges ? base : std::nullopt, unchanged);
    }
    if (before && !before->is_directory() &&
        TRY(same_file({image_.image, image_.links, name.inode, node}, {base_.image, base_.links, *base, *before})))
      return {};
    TRY(write_open());
    return members_.add(name.inode, node, path);
  }

  const Side& base_;
  const Side& image_;
  ImageMembers members_;
  const std::atomic<bool>* stop_;
  std::vector<Directory> open_;  ///< from the root to the one that is walked through
  std::size_t written_ = 0;      ///< of these, the first ones are in the stream
};

}  // namespace

Result<> write_tar_of_differences(const Differences& between, int tar_fd, const std::atomic<bool>* stop) {
  auto base = TRY(in("the base", Side::open(between.base)));
  auto image = TRY(Side::open(between.image));
  auto out = TRY(tar::TarWriter::open(tar_fd));
  TRY(Walk(base, image, out, stop).compare_roots());
  return out.finish();
}

}  // namespace banger::ext4
