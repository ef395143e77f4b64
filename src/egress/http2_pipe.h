// The body of a request or response on its way through a relay of HTTP/2. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "egress/http_head.h"

namespace banger::egress {

class Http2Pipe {
 public:
  void push(std::string_view bytes);
  /// Appends the next bytes to `into`. REQUIRES: count <= size().
  void pull(std::size_t count, std::string& into);
  /// Forgets the bytes. Those that come later are dropped, too.
  void close();

  std::size_t size() const { return size_; }
  bool closed() const { return closed_; }

  bool ended = false;     ///< nothing follows these bytes but trailers
  bool deferred = false;  ///< nghttp2 waits for resume_data
  std::vector<HttpField> trailers = {};
  std::optional<std::uint32_t> reset = {};  ///< the stream's error, which follows these bytes

 private:
  std::deque<std::string> chunks_;
  std::size_t at_ = 0, size_ = 0;
  bool closed_ = false;
};

}  // namespace banger::egress
