// The encoding of SFTP: numbers with the highest byte first, and texts with their length before them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace banger::roles::agent::sftp {

/// Reads one message. After the first missing byte, everything is zero or empty, and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t byte() { return static_cast<std::uint8_t>(number_of(1)); }
  std::uint32_t number() { return static_cast<std::uint32_t>(number_of(4)); }
  std::uint64_t large() { return number_of(8); }
  std::string_view text() { return take(number()); }
  bool ok() const { return ok_; }

 private:
  std::string_view take(std::size_t count);
  std::uint64_t number_of(std::size_t bytes);

  std::string_view rest_;
  bool ok_ = true;
};

/// Writes one message.
class Writer {
 public:
  Writer& byte(std::uint8_t value) { return number_of(value, 1); }
  Writer& number(std::uint32_t value) { return number_of(value, 4); }
  Writer& large(std::uint64_t value) { return number_of(value, 8); }
  Writer& text(std::string_view value);
  Writer& raw(std::string_view bytes);
  std::string take() { return std::move(bytes_); }
  std::size_t size() const { return bytes_.size(); }

 private:
  Writer& number_of(std::uint64_t value, int bytes);

  std::string bytes_;
};

}  // namespace banger::roles::agent::sftp
