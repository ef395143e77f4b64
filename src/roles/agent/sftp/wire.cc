#include "roles/agent/sftp/wire.h"

namespace banger::roles::agent::sftp {

std::string_view Reader::take(std::size_t count) {
  if (count > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  auto taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint64_t Reader::number_of(std::size_t bytes) {
  std::uint64_t value = 0;
  for (unsigned char byte : take(bytes)) value = value << 8 | byte;
  return value;
}

Writer& Writer::text(std::string_view value) {
  number(static_cast<std::uint32_t>(value.size()));
  return raw(value);
}

Writer& Writer::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

Writer& Writer::number_of(std::uint64_t value, int bytes) {
  for (int at = bytes - 1; at >= 0; --at) bytes_ += static_cast<char>(value >> (8 * at));
  return *this;
}

}  // namespace banger::roles::agent::sftp
