// The callbacks for what goes out of a side of a relay of HTTP/2.
#include <algorithm>

#include "egress/http2_callbacks.h"

namespace banger::egress {

namespace {

constexpr std::size_t kFrameHeadBytes = 9;  // RFC 9113, section 4.1

Http2Side& side_of(void* user) { return *static_cast<Http2Side*>(user); }

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) &&
         (frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS);
}

}  // namespace

std::size_t Http2Callbacks::bytes(std::span<const nghttp2_nv> fields) {
  std::size_t sum = 0;
  for (const auto& field : fields) sum += field.namelen + field.valuelen + kFieldOverheadBytes;
  return sum;
}

int Http2Callbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
  auto& side = side_of(user);
  if (frame->hd.type == NGHTTP2_HEADERS) {
    side.unsent_block_bytes_ -= bytes({frame->headers.nva, frame->headers.nvlen});
    side.events_.on_block_sent(side.end_, frame->hd.stream_id);
  }
  if (ends_stream(*frame)) side.events_.on_end_sent(side.end_, frame->hd.stream_id);
  if (frame->hd.type == NGHTTP2_GOAWAY) goaway_sent(side, frame->goaway.error_code);
  return 0;
}

// A GOAWAY that is not from leave() is of nghttp2: it has found an error, and has ended the session.
void Http2Callbacks::goaway_sent(Http2Side& side, std::uint32_t code) {
  if (side.leaving_ == code)
    side.leaving_.reset();
  else if (!side.stopped())
    side.fault_ = side.who() + " breaks HTTP/2: " + nghttp2_http2_strerror(code);
}

int Http2Callbacks::frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) noexcept {
  if (frame->hd.type == NGHTTP2_HEADERS)
    side_of(user).unsent_block_bytes_ -= bytes({frame->headers.nva, frame->headers.nvlen});
  return 0;
}

ssize_t Http2Callbacks::read_body(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t size,
                                  std::uint32_t* flags, nghttp2_data_source*, void* user) noexcept {
  auto& side = side_of(user);
  auto* body = side.events_.body_for(side.end_, id);
  if (!body) return NGHTTP2_ERR_DEFERRED;
  auto count = std::min(size, body->size());
  bool all = count == body->size() && body->ended;
  body->deferred = count == 0 && !all;
  if (body->deferred) return NGHTTP2_ERR_DEFERRED;
  if (count > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!all) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!body->trailers.empty()) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    side.trail(id, body->trailers);
  }
  return static_cast<ssize_t>(count);
}

int Http2Callbacks::send_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                              nghttp2_data_source*, void* user) noexcept {
  auto& side = side_of(user);
  auto* body = side.events_.body_for(side.end_, frame->hd.stream_id);
  if (!body || !side.out_ || body->size() < size || frame->data.padlen > 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  side.out_->append(reinterpret_cast<const char*>(head), kFrameHeadBytes);
  body->pull(size, *side.out_);
  side.events_.on_taken(side.end_, frame->hd.stream_id, size);
  return 0;
}

}  // namespace banger::egress
