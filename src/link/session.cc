#include "link/session.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "link/bounds.h"
#include "link/session_callbacks.h"

namespace banger::link {

namespace {

constexpr std::int32_t window(std::size_t bytes) { return static_cast<std::int32_t>(bytes); }

nghttp2_nv nv(std::string_view name, std::string_view value) {
  // nghttp2 copies both and writes to neither.
  auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

const std::uint8_t* raw(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

Result<> check_headers(const std::vector<Header>& headers) {
  for (const auto& [name, value] : headers)
    if (!nghttp2_check_header_name(raw(name), name.size()) || !nghttp2_check_header_value(raw(value), value.size()) ||
        name[0] == ':')
      return fail(ErrorCode::invalid, fmt::format("'{}' is not an HTTP header", name));
  return {};
}

Result<> check_request(const Request& request) {
  bool connects = request.method == "CONNECT";
  if (!nghttp2_check_method(raw(request.method), request.method.size()))
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an HTTP method", request.method));
  bool good = connects ? nghttp2_check_authority(raw(request.path), request.path.size()) && !request.path.empty()
                       : nghttp2_check_path(raw(request.path), request.path.size()) && request.path.starts_with('/');
  if (!good)
    return fail(ErrorCode::invalid,
                fmt::format("'{}' is not an HTTP {}", request.path, connects ? "authority" : "path"));
  return check_headers(request.headers);
}

Error reset_error(Role role, std::uint32_t code) {
  if (code == NGHTTP2_REFUSED_STREAM) return {.code = ErrorCode::busy, .message = "the peer serves too many streams"};
  if (role == Role::server && (code == NGHTTP2_CANCEL || code == NGHTTP2_NO_ERROR))
    return {.code = ErrorCode::cancelled, .message = "the host cancelled the request"};
  return {.code = ErrorCode::unavailable,
          .message = fmt::format("the peer ended the stream early ({})", nghttp2_http2_strerror(code))};
}

}  // namespace

Session::Session(host::Runtime& runtime, Role role, std::function<void()> wake)
    : runtime_(runtime), role_(role), wake_(std::move(wake)), pong_(runtime) {
  start(role);
}

Session::~Session() { end("the session was dropped"); }

void Session::start(Role role) {
  session_ = SessionCallbacks::make(role, this);
  if (!session_) return;
  std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits::kLinkStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::kLinkStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::kLinkHeaderBytes},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
  }};
  // A server may not send ENABLE_PUSH other than 0, and need not at all (RFC 9113, 6.5.2).
  std::size_t count = role == Role::client ? settings.size() : settings.size() - 1;
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), count);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window(limits::kLinkConnectionWindowBytes));
}

void Session::receive(std::string_view bytes) {
  if (!session_ || ended_ || violation_ != 0) return;
  auto got = nghttp2_session_mem_recv(session_, raw(bytes), bytes.size());
  // A peer that asks and never reads the answers would make this end queue answers without limit.
  bool flooded =
      got == NGHTTP2_ERR_FLOODED || nghttp2_session_get_outbound_queue_size(session_) > limits::kLinkReplyFrames;
  if (flooded)
    violation_ = NGHTTP2_ENHANCE_YOUR_CALM;
  else if (got < 0)
    violation_ = NGHTTP2_PROTOCOL_ERROR;
  wake_();
}

std::vector<std::shared_ptr<StreamState>> Session::take_requests() { return std::exchange(requests_, {}); }

void Session::produce(std::string& out) {
  if (!session_ || ended_ || goaway_sent_) return;
  if (violation_ != 0) {
    // nghttp2 is unusable after an internal error, so this GOAWAY is made by hand.
    out += goaway();
    goaway_sent_ = true;
    return;
  }
  out_ = &out;
  while (out.size() < limits::kLinkReadBytes) {
    const std::uint8_t* frames = nullptr;
    auto before = out.size();
    auto size = nghttp2_session_mem_send(session_, &frames);
    if (size < 0) violation_ = NGHTTP2_INTERNAL_ERROR;
    if (size > 0) out.append(reinterpret_cast<const char*>(frames), static_cast<std::size_t>(size));
    if (out.size() == before) break;
  }
  out_ = nullptr;
}

bool Session::over() const {
  if (!session_ || ended_ || peer_left_ || goaway_sent_) return true;
  if (violation_ != 0) return false;
  return !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
}

std::string Session::goaway() const {
  std::string frame("\0\0\x08\x07\0\0\0\0\0\0\0\0\0", 13);  // length 8, type 7, stream 0, last stream 0
  for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(violation_ >> shift));
  return frame;
}

void Session::end(const std::string& why) {
  if (ended_) return;
  ended_ = true;
  pong_.notify_all();
  requests_.clear();
  for (auto& [id, state] : std::exchange(streams_, {})) {
    state->closed = true;
    state->out.clear();
    state->out_bytes = 0;
    state->fail_with({.code = ErrorCode::unavailable, .message = why});
  }
  if (session_) nghttp2_session_del(std::exchange(session_, nullptr));
}

std::shared_ptr<StreamState> Session::find(std::int32_t id) const {
  auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second;
}

void Session::stream_closed(std::int32_t id, std::uint32_t code) {
  auto node = streams_.extract(id);
  if (node.empty()) return;
  auto& state = *node.mapped();
  state.closed = true;
  state.out.clear();
  state.out_bytes = 0;
  if (!state.in_ended || !state.end_sent) state.fail_with(reset_error(role_, code));
  state.notify();
}

Result<std::shared_ptr<StreamState>> Session::request(const Request& request, Body body) {
  if (over() || violation_ != 0) return fail(ErrorCode::unavailable, "the link to the guest is broken");
  if (streams_.size() >= limits::kLinkStreams)
    return fail(ErrorCode::exhausted, fmt::format("{} requests to the guest are running already", streams_.size()));
  TRY(check_request(request));
  std::vector<nghttp2_nv> fields{nv(":method", request.method)};
  if (request.method == "CONNECT") {
    fields.push_back(nv(":authority", request.path));
  } else {
    fields.push_back(nv(":scheme", "http"));
    fields.push_back(nv(":path", request.path));
    fields.push_back(nv(":authority", "guest"));
  }
  for (const auto& [name, value] : request.headers) fields.push_back(nv(name, value));
  auto state = std::make_shared<StreamState>(runtime_);
  auto provider = SessionCallbacks::provider(*state);
  state->impatient = request.on_silence == OnSilence::end;
  if (body == Body::none) state->out_ended = true;
  auto id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                   body == Body::none ? nullptr : &provider, nullptr);
  if (id < 0)
    return fail(ErrorCode::unavailable,
                fmt::format("the link to the guest accepts no more requests: {}", nghttp2_strerror(id)));
  state->id = id;
  streams_[id] = state;
  wake_();
  return state;
}

void Session::end_impatient() {
  if (ended_) return;
  for (auto& [id, state] : streams_) {
    if (!state->impatient || state->closed) continue;
    state->fail_with({.code = ErrorCode::timeout, .message = "the guest has stopped answering"});
    reset(*state, NGHTTP2_CANCEL);
  }
}

Result<> Session::respond(StreamState& state, int status, const std::vector<Header>& headers) {
  if (state.broken || state.closed || ended_)
    return fail(ErrorCode::unavailable, "the host went away before the answer");
  if (state.responded) return fail(ErrorCode::internal, "the response head was sent already");
  if (status < 200 || status > 599) return fail(ErrorCode::internal, fmt::format("{} is not an HTTP status", status));
  TRY(check_headers(headers));
  auto code = std::to_string(status);
  std::vector<nghttp2_nv> fields{nv(":status", code)};
  for (const auto& [name, value] : headers) fields.push_back(nv(name, value));
  auto provider = SessionCallbacks::provider(state);
  int error = nghttp2_submit_response(session_, state.id, fields.data(), fields.size(), &provider);
  if (error != 0)
    return fail(ErrorCode::unavailable, fmt::format("the response could not be sent: {}", nghttp2_strerror(error)));
  state.responded = true;
  wake_();
  return {};
}

Result<std::uint64_t> Session::ping() {
  if (over()) return fail(ErrorCode::unavailable, "the link to the guest has ended");
  if (asked_ > answered_) return asked_;
  std::array<std::uint8_t, 8> number{};
  std::memcpy(number.data(), &++asked_, number.size());
  if (int error = nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, number.data()); error != 0)
    return fail(ErrorCode::unavailable, fmt::format("the guest could not be asked: {}", nghttp2_strerror(error)));
  wake_();
  return asked_;
}

void Session::resume(StreamState& state) {
  if (ended_ || state.closed) return;
  if (std::exchange(state.deferred, false)) nghttp2_session_resume_data(session_, state.id);
  wake_();
}

void Session::consumed(const StreamState& state, std::size_t bytes) {
  if (ended_ || state.closed || bytes == 0) return;
  nghttp2_session_consume_stream(session_, state.id, bytes);
  if (nghttp2_session_want_write(session_)) wake_();
}

void Session::reset(StreamState& state, std::uint32_t code) {
  state.out.clear();
  state.out_bytes = 0;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, state.id, code);
  wake_();
}

void Session::refuse(StreamState& state) {
  if (!ended_ && !state.closed) reset(state, NGHTTP2_REFUSED_STREAM);
}

void Session::abandon(StreamState& state) {
  if (std::exchange(state.abandoned, true)) return;
  state.fail_with({.code = ErrorCode::cancelled, .message = "the stream was closed on this end"});
  if (ended_ || state.closed) return;
  std::size_t unread = 0;
  for (auto& chunk : std::exchange(state.in, {})) unread += chunk.size();
  consumed(state, unread);
  bool finished = state.out_ended && (role_ == Role::server ? state.responded : state.in_ended);
  if (!finished)
    reset(state, role_ == Role::client ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
  else if (state.end_sent && !state.in_ended)
    reset(state, NGHTTP2_NO_ERROR);
}

}  // namespace banger::link
