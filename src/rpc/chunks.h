// A byte stream in chunks, so that its reader can tell the end of the bytes from a broken connection. A chunk is four
// bytes of length (big endian), then so many bytes. The length 0 is the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace banger::rpc {

/// One chunk. No bytes: the end of the stream.
std::string encode_chunk(std::string_view bytes);

/// Takes the chunks apart as they arrive, and holds no more than a length.
class ChunkReader {
 public:
  /// The stream's bytes among these. Bytes behind the end are dropped.
  std::string feed(std::string_view bytes);
  /// The end has arrived. A connection that ends before has broken.
  bool ended() const { return ended_; }

 private:
  std::uint32_t length_ = 0;     // of the length that is being read
  unsigned length_bytes_ = 0;    // how many bytes of it have been read
  std::uint32_t remaining_ = 0;  // bytes of the chunk that are still to come
  bool ended_ = false;
};

}  // namespace banger::rpc
