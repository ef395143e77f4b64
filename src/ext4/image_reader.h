// Reads the inodes of an ext4 image that banger wrote, through libext2fs. The image may be damaged and is not trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ext4/io.h"
#include "ext4/tree.h"
#include "tar/reader.h"

namespace banger::ext4 {

class ImageReader {
 public:
  using Inode = std::uint32_t;
  struct Name {
    std::string text;  ///< never empty, ".", "..", and without '/'
    Inode inode;
  };

  /// `unsupported` for images with another block size, another inode size or no extents.
  static Result<ImageReader> open(const std::string& path);

  ext2_filsys fs() const { return image_.fs.get(); }
  /// Sorted by their bytes.
  Result<std::vector<Name>> names_in(Inode directory) const;
  /// Without children and extents.
  Result<Node> read_node(Inode number) const;
  /// The parts of a file that have data, in ascending order and inside of its size. In bytes.
  Result<std::vector<tar::Extent>> data_of(Inode number, std::uint64_t size) const;
  /// Calls `take` with the data, in ascending order and in pieces of at most 1 MiB.
  using Take = std::function<Result<>(std::uint64_t offset, std::string_view bytes)>;
  Result<> read_data(Inode number, std::uint64_t size, const Take& take) const;

 private:
  struct Run {
    std::uint64_t logical, physical, blocks;
  };
  explicit ImageReader(ReadOnlyImage image) : image_(std::move(image)) {}
  Result<std::vector<Run>> runs_of(Inode number, std::uint64_t size) const;
  Result<> read_kind(Inode number, struct ext2_inode_large& inode, Node& node) const;
  Result<> read_target(Inode number, struct ext2_inode_large& inode, Node& node) const;
  Result<> read_blocks(std::uint64_t block, std::string& into) const;
  Result<std::vector<Xattr>> read_xattrs(Inode number, struct ext2_inode_large& inode,
                                         std::span<const std::byte> bytes) const;
  ReadOnlyImage image_;
};

/// `corrupt`: "the image is damaged: …".
std::unexpected<Error> damaged(std::string_view why);

}  // namespace banger::ext4
