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

/// A directory of the file system itself, at its root. It is no part of an image.
inline constexpr std::string_view kLostAndFound = "lost+found";

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
  /// Without children and extents. `names` is what the inode says.
  Result<Node> read_node(Inode number) const;
  /// The parts of a file that have data, in ascending order and inside of its size. In bytes.
  Result<std::vector<tar::Extent>> data_of(Inode number, std::uint64_t size) const;
  /// Calls `take` with the data, in ascending order and in pieces of at most 1 MiB.
  using Take = std::function<Result<>(std::uint64_t offset, std::string_view bytes)>;
  Result<> read_data(Inode number, std::uint64_t size, const Take& take) const;

  /// Blocks of a file that follow each other in the file and in the image.
  struct Run {
    std::uint64_t logical, physical, blocks;
  };
  /// In ascending order and inside of the file's size.
  Result<std::vector<Run>> runs_of(Inode number, std::uint64_t size) const;
  /// Fills `into` with the bytes of the file of these runs, and with zeros where it has a hole. REQUIRES: `offset` is a
  /// multiple of the block size.
  Result<> read_range(std::span<const Run> runs, std::uint64_t offset, std::span<char> into) const;

 private:
  explicit ImageReader(ReadOnlyImage image) : image_(std::move(image)) {}
  Result<> read_kind(Inode number, struct ext2_inode_large& inode, Node& node) const;
  Result<> read_target(Inode number, struct ext2_inode_large& inode, Node& node) const;
  Result<> read_blocks(std::uint64_t block, std::span<char> into) const;
  Result<std::vector<Xattr>> read_xattrs(Inode number, struct ext2_inode_large& inode,
                                         std::span<const std::byte> bytes) const;
  ReadOnlyImage image_;
};

/// `corrupt`: "the image is damaged: …".
std::unexpected<Error> damaged(std::string_view why);

}  // namespace banger::ext4
