// The compressed bytes of a decoder, a buffer at a time.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tar/bounds.h"

namespace banger::tar {

class DecoderInput {
 public:
  /// `fd` is borrowed.
  explicit DecoderInput(int fd) : fd_(fd) {}

  /// The bytes that nobody has used, after reading more when there are none. Empty at the end of the stream.
  Result<std::string_view> peek() {
    while (at_ == size_) {
      ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read archive");
      at_ = 0;
      size_ = static_cast<std::size_t>(got);
      if (got == 0) break;
    }
    return std::string_view(buffer_).substr(at_, size_ - at_);
  }
  void use(std::size_t count) { at_ += count; }

 private:
  int fd_;
  std::string buffer_ = std::string(limits::kCopyBufferBytes, '\0');
  std::size_t at_ = 0, size_ = 0;
};

}  // namespace banger::tar
