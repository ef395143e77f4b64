// The making of a session, and the callbacks for what comes into a side of a relay of HTTP/2.
#include "egress/http2_callbacks.h"

#include <algorithm>
#include <utility>

#include "egress/bounds.h"

namespace banger::egress {

namespace {

Http2Side& side_of(void* user) { return *static_cast<Http2Side*>(user); }

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

PingData data_of(const nghttp2_ping& frame) {
  PingData data;
  std::ranges::copy(frame.opaque_data, data.begin());
  return data;
}

void set_options(nghttp2_option* option) {
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_auto_ping_ack(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  // What the hook adds to a block of the largest size must have room.
  nghttp2_option_set_max_send_header_block_length(option, 4 * limits::kRequestHeadBytes);
}

}  // namespace

nghttp2_session* Http2Callbacks::make(Http2Side& side, Http2End end) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session* made = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return nullptr;
  if (nghttp2_option_new(&option) == 0) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_block);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_received);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, frame_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_body);
    set_options(option);
    if (end == Http2End::guest)
      nghttp2_session_server_new2(&made, callbacks, &side, option);
    else
      nghttp2_session_client_new2(&made, callbacks, &side, option);
    nghttp2_option_del(option);
  }
  nghttp2_session_callbacks_del(callbacks);
  return made;
}

nghttp2_data_provider Http2Callbacks::body() {
  nghttp2_data_provider made{};
  made.read_callback = read_body;
  return made;
}

// Frames that cost their sender less than the receiver. Peers in good faith send few of them.
bool Http2Callbacks::is_nuisance(const nghttp2_frame_hd& head) {
  switch (head.type) {
    case NGHTTP2_DATA:
      return head.length == 0 && !(head.flags & NGHTTP2_FLAG_END_STREAM);
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
      return !(head.flags & NGHTTP2_FLAG_ACK);
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
      return false;
    default:
      return true;
  }
}

int Http2Callbacks::begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept {
  auto& side = side_of(user);
  side.continuations_ = head->type == NGHTTP2_CONTINUATION ? side.continuations_ + 1 : 0;
  if (side.continuations_ > limits::kRelayContinuations)
    side.stop(NGHTTP2_ENHANCE_YOUR_CALM, side.who() + " sends a header block in too many pieces");
  else if (is_nuisance(*head) && !side.nuisances_.spend(side.now_))
    side.stop(NGHTTP2_ENHANCE_YOUR_CALM, side.who() + " sends too many frames without a use");
  return result(side);
}

int Http2Callbacks::begin_block(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
  auto& side = side_of(user);
  side.block_ = {};
  // ENABLE_PUSH was 0 before there was a request to push for.
  if (frame->hd.type == NGHTTP2_PUSH_PROMISE)
    side.stop(NGHTTP2_PROTOCOL_ERROR, side.who() + " pushes, which it must not");
  return result(side);
}

int Http2Callbacks::field(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                          const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* user) noexcept {
  auto& side = side_of(user);
  auto& block = side.block_;
  block.bytes += name_size + value_size + kFieldOverheadBytes;
  if (block.bytes > limits::kRequestHeadBytes || block.fields.size() >= limits::kRequestFields) {
    block.too_large = true;
    block.fields = {};
  }
  if (block.bytes > limits::kRelayBombBytes)
    side.stop(NGHTTP2_ENHANCE_YOUR_CALM, side.who() + " sends a header block that is far too large");
  if (!block.too_large) {
    block.fields.push_back({std::string(text(name, name_size)), std::string(text(value, value_size))});
    block.never_indexed.push_back(flags & NGHTTP2_NV_FLAG_NO_INDEX);
  }
  if (side.stopped()) return NGHTTP2_ERR_CALLBACK_FAILURE;
  // A compressed block of few bytes can become one of many. The others of this input have to wait.
  side.paused_ = side.events_.is_full();
  return side.paused_ ? NGHTTP2_ERR_PAUSE : 0;
}

void Http2Callbacks::block_received(Http2Side& side, const nghttp2_frame& frame) {
  side.events_.on_block(side.end_, frame.hd.stream_id, std::exchange(side.block_, {}),
                        frame.hd.flags & NGHTTP2_FLAG_END_STREAM);
}

int Http2Callbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
  auto& side = side_of(user);
  bool acknowledges = frame->hd.flags & NGHTTP2_FLAG_ACK;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      block_received(side, *frame);
      break;
    case NGHTTP2_DATA:
      if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) side.events_.on_body_end(side.end_, frame->hd.stream_id);
      break;
    case NGHTTP2_SETTINGS:
      if (!acknowledges) side.events_.on_settings(side.end_);
      break;
    case NGHTTP2_PING:
      side.events_.on_ping(side.end_, data_of(frame->ping), acknowledges);
      break;
    case NGHTTP2_GOAWAY:
      side.events_.on_goaway(side.end_, frame->goaway.error_code,
                             text(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
      break;
    default:
      break;
  }
  return result(side);
}

// The connection's window opens at once. Only the streams' windows hold a fast sender back, each for itself.
int Http2Callbacks::data_received(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                                  std::size_t size, void* user) noexcept {
  auto& side = side_of(user);
  if (nghttp2_session_consume_connection(session, size) != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  side.events_.on_data(side.end_, id, text(data, size));
  return result(side);
}

int Http2Callbacks::stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) noexcept {
  auto& side = side_of(user);
  side.events_.on_closed(side.end_, id, code);
  return 0;  // nghttp2 leaks a frame after an error here; the next callback returns one
}

}  // namespace banger::egress
