// Where the body of an HTTP/1 request ends (RFC 9112, sections 6 and 7.1). Pure. The bytes are passed on as they are,
// so only their form is read. Whatever two servers may read in two ways is refused, chunk extensions among it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "egress/http_head.h"

namespace banger::egress {

enum class BodyState { need_more, ended, malformed };

class HttpBodyReader {
 public:
  explicit HttpBodyReader(const HttpHead& head);

  /// Returns how many of these bytes belong to the body: all of them, or those up to its end. Bytes of a malformed body
  /// do not belong to it.
  std::size_t feed(std::string_view bytes);
  BodyState state() const { return state_; }

 private:
  enum class In { data, size, size_end, data_end, data_end_lf, trailer, last_lf };

  std::size_t feed_data(std::size_t available);
  BodyState take(char byte);
  BodyState take_size(char byte);
  BodyState take_trailer(char byte);
  BodyState go_to(In next);

  BodyState state_ = BodyState::need_more;
  bool chunked_ = false;
  In in_ = In::data;
  std::uint64_t left_ = 0;  ///< bytes of data that follow
  int digits_ = 0;          ///< of the chunk's size so far
  std::size_t line_bytes_ = 0, trailer_bytes_ = 0;
  bool after_cr_ = false;
};

}  // namespace banger::egress
