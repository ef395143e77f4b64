#include "rpc/chunks.h"

namespace banger::rpc {

namespace {
constexpr unsigned kLengthBytes = 4;
}

std::string encode_chunk(std::string_view bytes) {
  std::string chunk;
  chunk.reserve(kLengthBytes + bytes.size());
  for (unsigned i = kLengthBytes; i-- > 0;) chunk += static_cast<char>(bytes.size() >> (8 * i));
  return chunk.append(bytes);
}

std::string ChunkReader::feed(std::string_view bytes) {
  std::string found;
  while (!bytes.empty() && !ended_) {
    if (remaining_ == 0) {
      length_ = length_ << 8 | static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (++length_bytes_ < kLengthBytes) continue;
      ended_ = length_ == 0;
      remaining_ = length_;
      length_ = length_bytes_ = 0;
      continue;
    }
    auto part = bytes.substr(0, remaining_);
    found += part;
    remaining_ -= static_cast<std::uint32_t>(part.size());
    bytes.remove_prefix(part.size());
  }
  return found;
}

}  // namespace banger::rpc
