// Compares inodes of two images.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ext4/image_reader.h"

namespace banger::ext4 {

/// The names of all files that have several, in the order of a walk.
using LinkedFiles = std::map<ImageReader::Inode, std::vector<std::string>>;
/// `corrupt` for a directory with two names.
Result<LinkedFiles> find_linked_files(const ImageReader& image);

/// One inode of an image. Borrows from the image.
struct Inode {
  const ImageReader& image;
  const LinkedFiles& links;
  ImageReader::Inode number;
  const Node& node;
};

/// Owner, mode and attributes of two directories.
bool same_directory(const Node& a, const Node& b);
/// Everything of two inodes that are not directories. Reads their contents.
Result<bool> same_file(const Inode& a, const Inode& b);

}  // namespace banger::ext4
