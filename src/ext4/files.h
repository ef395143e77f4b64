// Reads files of an ext4 image by path, without mounting it. The image may be damaged and is not trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::ext4 {

struct ReadOnlyImage;

/// The files of one image. Symlinks are followed inside the image, as after chroot(2).
class ImageFiles {
 public:
  /// `not_found` when the image does not exist, `corrupt` when it is not ext4.
  static Result<ImageFiles> open(const std::string& image_path);
  ImageFiles(ImageFiles&&) noexcept;
  ~ImageFiles();

  struct File {
    std::string name;         ///< the last component behind all symlinks; empty for the root
    std::uint32_t inode = 0;  ///< its number
    std::uint16_t mode = 0;   ///< with the file type (S_IFMT)
  };
  /// `not_found` when the path leads to no file.
  Result<File> find(std::string_view path) const;
  /// `not_found` when the path leads to no regular file, `exhausted` when the file is larger than max_bytes.
  Result<std::string> read(std::string_view path, std::size_t max_bytes) const;

 private:
  explicit ImageFiles(std::unique_ptr<ReadOnlyImage> image);
  std::unique_ptr<ReadOnlyImage> image_;
};

}  // namespace banger::ext4
