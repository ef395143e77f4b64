#include "link/session_callbacks.h"

#include <algorithm>
#include <cstring>

#include "base/bounds.h"
#include "link/bounds.h"

namespace banger::link {

namespace {

constexpr std::size_t kFrameHeadBytes = 9;        // RFC 9113, 4.1
constexpr std::size_t kHeaderOverheadBytes = 32;  // RFC 9113, 6.5.2

Session& session_of(void* user) { return *static_cast<Session*>(user); }

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

int parse_status(std::string_view value) {
  // nghttp2 accepts only three digits here.
  int status = 0;
  for (char c : value.substr(0, 3)) status = status * 10 + (c - '0');
  return status;
}

/// Joins tiny chunks, because the window bounds payload bytes and not the number of strings.
void append_chunk(std::deque<std::string>& in, std::string_view chunk) {
  while (!chunk.empty()) {
    if (in.empty()) {
      in.emplace_back();
      // A short message gets the room it needs. A full frame indicates a bulk transfer.
      in.back().reserve(chunk.size() >= limits::kKiB * 8 ? std::max(chunk.size(), limits::kLinkFrameBytes)
                                                         : chunk.size());
    } else if (in.back().size() == in.back().capacity()) {
      in.emplace_back();
      in.back().reserve(limits::kLinkFrameBytes);
    }
    auto part = chunk.substr(0, in.back().capacity() - in.back().size());
    in.back().append(part);
    chunk.remove_prefix(part.size());
  }
}

void drop_sent(StreamState& state, std::size_t size, std::string& into) {
  state.out_bytes -= size;
  while (size > 0) {
    auto& front = state.out.front();
    auto part = std::min(size, front.size() - state.out_at);
    into.append(front, state.out_at, part);
    state.out_at += part;
    size -= part;
    if (state.out_at < front.size()) continue;
    state.out.pop_front();
    state.out_at = 0;
  }
}

}  // namespace

nghttp2_session* SessionCallbacks::make(Role role, Session* session) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session* made = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return nullptr;
  if (nghttp2_option_new(&option) == 0) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, frame_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, limits::kLinkStreams);
    if (role == Role::client)
      nghttp2_session_client_new2(&made, callbacks, session, option);
    else
      nghttp2_session_server_new2(&made, callbacks, session, option);
    nghttp2_option_del(option);
  }
  nghttp2_session_callbacks_del(callbacks);
  return made;
}

nghttp2_data_provider SessionCallbacks::provider(StreamState& state) {
  nghttp2_data_provider made{};
  made.source.ptr = &state;
  made.read_callback = read_body;
  return made;
}

int SessionCallbacks::begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept {
  auto& session = session_of(user);
  session.continuations_ = head->type == NGHTTP2_CONTINUATION ? session.continuations_ + 1 : 0;
  return session.continuations_ > limits::kLinkContinuations ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

int SessionCallbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
  auto& session = session_of(user);
  if (session.role_ == Role::client || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  auto state = std::make_shared<StreamState>(session.runtime_);
  state->id = frame->hd.stream_id;
  session.streams_[state->id] = std::move(state);
  return 0;
}

int SessionCallbacks::header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                             std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                             void* user) noexcept {
  auto& session = session_of(user);
  auto state = session.find(frame->hd.stream_id);
  if (!state) return 0;
  state->header_bytes += name_size + value_size + kHeaderOverheadBytes;
  if (state->header_bytes > limits::kLinkHeaderBytes) {
    state->fail_with({.code = ErrorCode::corrupt, .message = "the peer's headers are over the limit"});
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  auto key = text(name, name_size);
  if (session.role_ == Role::client) {
    if (key == ":status") state->status = parse_status(text(value, value_size));
  } else if (!state->head_done) {
    state->headers.push_back({std::string(key), std::string(text(value, value_size))});
  }
  return 0;
}

void SessionCallbacks::head_received(Session& session, const std::shared_ptr<StreamState>& state,
                                     const nghttp2_frame* frame) {
  if (session.role_ == Role::server) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return;
    state->head_done = true;
    session.requests_.push_back(state);
  } else if (state->status >= 200) {  // 1xx: the final status follows
    state->head_done = true;
    state->readable.notify_all();
  }
}

// An answer that was not asked for counts as no answer.
void SessionCallbacks::pong_received(Session& session, const nghttp2_ping& frame) {
  std::uint64_t number = 0;
  static_assert(sizeof number == sizeof frame.opaque_data);
  std::memcpy(&number, frame.opaque_data, sizeof number);
  if (number <= session.answered_ || number > session.asked_) return;
  session.answered_ = number;
  session.pong_.notify_all();
}

int SessionCallbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
  auto& session = session_of(user);
  if (frame->hd.type == NGHTTP2_GOAWAY) session.peer_left_ = true;
  if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK)) pong_received(session, frame->ping);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  auto state = session.find(frame->hd.stream_id);
  if (!state) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS) head_received(session, state, frame);
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
    state->in_ended = true;
    state->readable.notify_all();
  }
  return 0;
}

int SessionCallbacks::data_chunk(nghttp2_session* raw, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                                 std::size_t size, void* user) noexcept {
  auto state = session_of(user).find(id);
  if (!state || state->abandoned) return nghttp2_session_consume(raw, id, size) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  if (nghttp2_session_consume_connection(raw, size) != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  append_chunk(state->in, text(data, size));
  state->readable.notify_all();
  return 0;
}

int SessionCallbacks::stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) noexcept {
  session_of(user).stream_closed(id, code);
  return 0;
}

int SessionCallbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
  auto& session = session_of(user);
  bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (!ends || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)) return 0;
  auto state = session.find(frame->hd.stream_id);
  if (!state) return 0;
  state->end_sent = true;
  // The rest of the request has no reader, so the peer need not send it (RFC 9113, 8.1).
  if (state->abandoned && !state->in_ended) session.reset(*state, NGHTTP2_NO_ERROR);
  return 0;
}

int SessionCallbacks::frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) noexcept {
  if (frame->hd.type == NGHTTP2_HEADERS) session_of(user).stream_closed(frame->hd.stream_id, NGHTTP2_CANCEL);
  return 0;
}

ssize_t SessionCallbacks::read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t size,
                                    std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept {
  auto& state = *static_cast<StreamState*>(source->ptr);
  auto count = std::min(size, state.out_bytes);
  if (count == 0 && !state.out_ended) {
    state.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  if (count > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (count == state.out_bytes && state.out_ended) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

int SessionCallbacks::send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                                nghttp2_data_source* source, void* user) noexcept {
  auto& session = session_of(user);
  auto& state = *static_cast<StreamState*>(source->ptr);
  if (!session.out_ || state.out_bytes < size || frame->data.padlen > 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  session.out_->append(text(head, kFrameHeadBytes));
  drop_sent(state, size, *session.out_);
  if (state.out_bytes <= limits::kLinkQueueBytes) state.writable.notify_all();
  return 0;
}

}  // namespace banger::link
