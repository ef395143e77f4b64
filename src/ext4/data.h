// Gathers content and metadata blocks into large sequential writes to an image.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ext4/layout.h"
#include "ext4/tree.h"

namespace banger::ext4 {

/// Writes whole blocks at ascending places. Adjacent blocks become one pwrite(2).
class BlockWriter {
 public:
  /// `fd` is borrowed.
  explicit BlockWriter(int fd);

  /// Writes `bytes` at block `physical`. The last block is padded with zeros.
  Result<> put(std::uint64_t physical, std::string_view bytes);
  Result<> flush();

 private:
  int fd_;
  std::string buffer_;  ///< fixed size
  std::size_t filled_ = 0;
  std::uint64_t start_ = 0;  ///< block of the buffer's first byte
};

/// Writes the content of one file after the other at the cursor. Ranges never written become holes.
class ContentWriter {
 public:
  ContentWriter(int fd, BlockCursor& cursor) : writer_(fd), cursor_(cursor) {}

  /// REQUIRES: `offset` is not before the end of the last write to the same file.
  Result<> write(std::vector<Extent>& extents, std::uint64_t offset, std::string_view bytes);
  /// Ends the file.
  Result<> end(std::vector<Extent>& extents);
  Result<> flush() { return writer_.flush(); }

 private:
  Result<> whole_blocks(std::vector<Extent>& extents, std::uint64_t logical, std::string_view bytes);

  BlockWriter writer_;
  BlockCursor& cursor_;
  std::string partial_;  ///< the block being filled
  std::uint64_t partial_block_ = 0;
};

/// Takes `count` blocks at the cursor as the logical blocks from `logical` on. Extends the last extent if they follow
/// it.
Result<> allocate(BlockCursor& cursor, std::vector<Extent>& extents, std::uint64_t logical, std::uint64_t count);

}  // namespace banger::ext4
