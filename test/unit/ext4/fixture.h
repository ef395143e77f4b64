// File systems that the tests make.
#pragma once

#include <string>

#include "ext4/ext4.h"
#include "support/fs_fixture.h"
#include "support/image_file.h"

namespace banger::test {

inline ext4::Ext4Options options(std::uint64_t size = 0) {
  return {.label = "test",
          .size_bytes = size,
          .spare_bytes = 0,
          .uuid_seed = "seed",
          .timestamp = 1'700'000'000,
          .journal = false};
}

inline Result<ext4::Ext4Stats> write(const std::string& tar, const std::string& path,
                                     const ext4::Ext4Options& o = options()) {
  auto fd = as_fd(tar);
  return ext4::write_ext4_from_tar(fd.get(), path, o);
}

}  // namespace banger::test
