#include "egress/http2_side.h"

#include <utility>

#include "egress/bounds.h"
#include "egress/http2_callbacks.h"

namespace banger::egress {

namespace {

const std::uint8_t* raw(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

// nghttp2 copies names and values, and writes to neither.
std::vector<nghttp2_nv> to_nv(const std::vector<HttpField>& fields, const std::vector<bool>& never_indexed) {
  std::vector<nghttp2_nv> made;
  made.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& [name, value] = fields[i];
    bool never = i < never_indexed.size() && never_indexed[i];
    made.push_back({const_cast<std::uint8_t*>(raw(name)), const_cast<std::uint8_t*>(raw(value)), name.size(),
                    value.size(), static_cast<std::uint8_t>(never ? NGHTTP2_NV_FLAG_NO_INDEX : 0)});
  }
  return made;
}

}  // namespace

Http2Side::Http2Side(Http2End end, Http2Events& events)
    : end_(end), events_(events), nuisances_(limits::kRelayNuisances, limits::kRelayNuisancesPerSecond) {
  session_ = Http2Callbacks::make(*this, end);
  if (!session_) throw std::bad_alloc();
  std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::kRelayStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kRequestHeadBytes},
  };
  if (end == Http2End::guest) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::kRelayStreams});
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits::kRelayConnectionWindowBytes);
}

Http2Side::~Http2Side() { nghttp2_session_del(session_); }

void Http2Side::receive(std::string_view bytes, Instant now) {
  now_ = now;
  if (stopped()) return;
  if (!has_waiting_input() && !events_.is_full()) return process(bytes);
  inbox_ += bytes;
  resume();
}

void Http2Side::resume() {
  if (stopped() || !has_waiting_input() || events_.is_full()) return;
  paused_ = false;
  process(std::exchange(inbox_, {}));
}

void Http2Side::process(std::string_view bytes) {
  auto got = nghttp2_session_mem_recv(session_, raw(bytes), bytes.size());
  if (stopped()) return;
  if (got < 0) return fail_with(got);
  inbox_.append(bytes.substr(static_cast<std::size_t>(got)));
}

void Http2Side::fail_with(ssize_t error) {
  if (error == NGHTTP2_ERR_FLOODED) return stop(NGHTTP2_ENHANCE_YOUR_CALM, who() + " asks for too many replies");
  if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC) return stop(NGHTTP2_PROTOCOL_ERROR, who() + " does not speak HTTP/2");
  bool ours = error == NGHTTP2_ERR_NOMEM || error == NGHTTP2_ERR_CALLBACK_FAILURE;
  stop(ours ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_PROTOCOL_ERROR,
       who() + " breaks HTTP/2: " + nghttp2_strerror(static_cast<int>(error)));
}

std::string Http2Side::take() {
  std::string out = std::exchange(goodbye_, {});
  if (stopped()) return out;
  out_ = &out;
  while (out.size() < limits::kRelayTakeBytes) {
    const std::uint8_t* frames = nullptr;
    auto before = out.size();
    auto size = nghttp2_session_mem_send(session_, &frames);
    if (size > 0) out.append(reinterpret_cast<const char*>(frames), static_cast<std::size_t>(size));
    if (size < 0 && !stopped()) fail_with(size);
    if (size < 0 || out.size() == before) break;
  }
  out_ = nullptr;
  out += std::exchange(goodbye_, {});
  return out;
}

// nghttp2 cannot be used after a failed callback, so this GOAWAY is made by hand.
void Http2Side::stop(std::uint32_t code, std::string why) {
  if (stopped()) return;
  fault_ = std::move(why);
  goodbye_ = goaway(code);
  inbox_.clear();
}

std::string Http2Side::goaway(std::uint32_t code) const {
  std::string frame("\0\0\0\x07\0\0\0\0\0", 9);  // a head: length, type 7, no flags, stream 0
  frame[2] = static_cast<char>(8 + fault_.size());
  auto add = [&](std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(number >> shift));
  };
  add(static_cast<std::uint32_t>(nghttp2_session_get_last_proc_stream_id(session_)));
  add(code);
  return frame + fault_;
}

void Http2Side::leave(std::uint32_t code, std::string_view text) {
  if (std::exchange(left_, true) || stopped()) return;
  leaving_ = code;
  auto last = nghttp2_session_get_last_proc_stream_id(session_);
  text = text.substr(0, limits::kRelayGoawayBytes);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, code, raw(text), text.size());
}

void Http2Side::announce(std::uint32_t streams, bool connect_protocol) {
  std::array<nghttp2_settings_entry, 2> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), connect_protocol ? 2 : 1);
}

std::int32_t Http2Side::request(const Http2Block& block, bool has_body) {
  auto fields = to_nv(block.fields, block.never_indexed);
  auto body = Http2Callbacks::body();
  auto id =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), has_body ? &body : nullptr, nullptr);
  if (id > 0) unsent_block_bytes_ += Http2Callbacks::bytes(fields);
  return id;
}

void Http2Side::respond(std::int32_t id, const Http2Block& block, bool has_body) {
  auto fields = to_nv(block.fields, block.never_indexed);
  auto body = Http2Callbacks::body();
  if (nghttp2_submit_response(session_, id, fields.data(), fields.size(), has_body ? &body : nullptr) == 0)
    unsent_block_bytes_ += Http2Callbacks::bytes(fields);
}

void Http2Side::inform(std::int32_t id, const Http2Block& block) {
  auto fields = to_nv(block.fields, block.never_indexed);
  if (nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, fields.data(), fields.size(), nullptr) == 0)
    unsent_block_bytes_ += Http2Callbacks::bytes(fields);
}

void Http2Side::trail(std::int32_t id, const std::vector<HttpField>& trailers) {
  auto fields = to_nv(trailers, {});
  if (nghttp2_submit_trailer(session_, id, fields.data(), fields.size()) == 0)
    unsent_block_bytes_ += Http2Callbacks::bytes(fields);
}

void Http2Side::reset(std::int32_t id, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
}

void Http2Side::ping(const PingData& data, bool answers) {
  nghttp2_submit_ping(session_, answers ? NGHTTP2_FLAG_ACK : NGHTTP2_FLAG_NONE, data.data());
}

// Relative to the window as nghttp2 knows it, because the first SETTINGS change it when the peer acknowledges them.
void Http2Side::widen(std::int32_t id, std::size_t bytes) {
  auto now = nghttp2_session_get_stream_effective_local_window_size(session_, id);
  if (now >= 0)
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, id, now + static_cast<std::int32_t>(bytes));
}

}  // namespace banger::egress
