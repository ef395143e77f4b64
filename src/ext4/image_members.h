// Inodes of an image as members of a pax stream, for layers of container images.
#pragma once

#include <map>
#include <string>

#include "ext4/image_reader.h"
#include "tar/writer.h"

namespace banger::ext4 {

/// A real directory tree has far fewer levels; each level of a walk takes some stack.
Result<> check_depth(std::size_t depth);

class ImageMembers {
 public:
  /// Both are borrowed.
  ImageMembers(const ImageReader& image, tar::TarWriter& out) : image_(image), out_(out) {}

  /// Adds an inode with its content; `node` is what read_node() gives. The second name of a file becomes a hard link to
  /// the first. `unsupported` for a name that would be a whiteout.
  Result<> add(ImageReader::Inode inode, const Node& node, const std::string& path);
  /// Adds what removes a name of lower layers.
  Result<> add_whiteout(const std::string& directory, const std::string& name);

 private:
  Result<> add_file(ImageReader::Inode inode, const tar::TarEntry& entry);

  const ImageReader& image_;
  tar::TarWriter& out_;
  std::map<ImageReader::Inode, std::string> first_names_;  ///< of files with several
};

}  // namespace banger::ext4
