// Reads one file of an ext4 image.
#pragma once

#include <string>

#include "ext4/files.h"

namespace banger::test {

inline Result<std::string> read_file_in_image(const std::string& image, const std::string& file,
                                              std::size_t max_bytes) {
  return TRY(ext4::ImageFiles::open(image)).read(file, max_bytes);
}

}  // namespace banger::test
