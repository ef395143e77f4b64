#include "ext4/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ranges>
#include <vector>

#include "base/text.h"
#include "ext4/bounds.h"
#include "ext4/io.h"
#include "ext4/layout.h"

namespace banger::ext4 {

namespace {

std::unexpected<Error> missing(std::string_view path) {
  return fail(ErrorCode::not_found, fmt::format("there is no {} in the image", printable(path)));
}

Result<ext2_inode> read_inode(ext2_filsys fs, ext2_ino_t number) {
  ext2_inode inode{};
  if (errcode_t code = ext2fs_read_inode(fs, number, &inode)) return fail_ext2("read an inode", code);
  return inode;
}

/// All bytes of a file or of a symlink's target.
Result<std::string> content_of(ext2_filsys fs, ext2_ino_t number) {
  ext2_inode inode = TRY(read_inode(fs, number));
  std::string content(EXT2_I_SIZE(&inode), '\0');
  if (LINUX_S_ISLNK(inode.i_mode) && ext2fs_is_fast_symlink(&inode)) {
    content.assign(reinterpret_cast<const char*>(inode.i_block), std::min(content.size(), sizeof inode.i_block));
    return content;
  }
  ext2_file_t handle = nullptr;
  if (errcode_t code = ext2fs_file_open2(fs, number, &inode, 0, &handle)) return fail_ext2("open", code);
  std::unique_ptr<struct ext2_file, errcode_t (*)(ext2_file_t)> closer(handle, ext2fs_file_close);
  for (std::size_t at = 0; at < content.size();) {
    unsigned got = 0;
    auto want = static_cast<unsigned>(std::min<std::size_t>(content.size() - at, 1 << 30));
    if (errcode_t code = ext2fs_file_read(handle, content.data() + at, want, &got)) return fail_ext2("read", code);
    if (got == 0) return fail(ErrorCode::corrupt, "it ends early");
    at += got;
  }
  return content;
}

/// Walks a path one component at a time.
class Walk {
 public:
  Walk(ext2_filsys fs, std::string_view path) : fs_(fs), path_(path) { add(path); }

  Result<ImageFiles::File> to_end() {
    while (!left_.empty()) {
      std::string name = std::move(left_.back());
      left_.pop_back();
      if (name != "..")
        TRY(enter(std::move(name)));
      else if (way_.size() > 1)
        way_.pop_back();
    }
    return way_.back();
  }

 private:
  void add(std::string_view path) {
    for (auto part : split(path, '/') | std::views::reverse)
      if (!part.empty() && part != ".") left_.emplace_back(part);
  }

  Result<> enter(std::string name) {
    const auto& directory = way_.back();
    ext2_ino_t number = 0;
    errcode_t code = S_ISDIR(directory.mode) ? ext2fs_lookup(fs_, directory.inode, name.data(),
                                                             static_cast<int>(name.size()), nullptr, &number)
                                             : EXT2_ET_NO_DIRECTORY;
    if (code == EXT2_ET_FILE_NOT_FOUND || code == EXT2_ET_NO_DIRECTORY) return missing(path_);
    if (code) return fail_ext2(printable(path_), code);
    ext2_inode inode = TRY(read_inode(fs_, number));
    if (!LINUX_S_ISLNK(inode.i_mode)) {
      way_.push_back({std::move(name), number, inode.i_mode});
      return {};
    }
    if (++symlinks_ > limits::kMaxSymlinks || EXT2_I_SIZE(&inode) > kBlockBytes) return missing(path_);
    auto target = TRY(content_of(fs_, number));
    if (target.starts_with('/')) way_.resize(1);
    add(target);
    return {};
  }

  ext2_filsys fs_;
  std::string_view path_;
  int symlinks_ = 0;
  std::vector<std::string> left_;  ///< components still to walk, the next one last
  std::vector<ImageFiles::File> way_{{.name = {}, .inode = EXT2_ROOT_INO, .mode = S_IFDIR}};  ///< from the root
};

}  // namespace

ImageFiles::ImageFiles(std::unique_ptr<ReadOnlyImage> image) : image_(std::move(image)) {}
ImageFiles::ImageFiles(ImageFiles&&) noexcept = default;
ImageFiles::~ImageFiles() = default;

Result<ImageFiles> ImageFiles::open(const std::string& image_path) {
  return ImageFiles(std::make_unique<ReadOnlyImage>(TRY(open_image(image_path))));
}

Result<ImageFiles::File> ImageFiles::find(std::string_view path) const { return Walk(image_->fs.get(), path).to_end(); }

Result<std::string> ImageFiles::read(std::string_view path, std::size_t max_bytes) const {
  File file = TRY(find(path));
  auto name = fmt::format("{} in the image", printable(path));
  if (!S_ISREG(file.mode)) return fail(ErrorCode::not_found, name + " is not a regular file");
  ext2_inode inode = TRY(in(name, read_inode(image_->fs.get(), file.inode)));
  if (EXT2_I_SIZE(&inode) > max_bytes)
    return fail(ErrorCode::exhausted, fmt::format("{} is larger than the limit of {}", name, format_size(max_bytes)));
  return in(name, content_of(image_->fs.get(), file.inode));
}

}  // namespace banger::ext4
