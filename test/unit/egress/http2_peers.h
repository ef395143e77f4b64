// A client and a server of HTTP/2 in memory, both of nghttp2, with a relay between them.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "egress/bounds.h"
#include "egress/http2_relay.h"

namespace http2_peers {

using namespace banger;
using namespace banger::egress;
using Fields = std::vector<HttpField>;

inline const Fields kGet{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.org"}, {":path", "/"}};
inline const Fields kPost{{":method", "POST"}, {":scheme", "https"}, {":authority", "a.org"}, {":path", "/up"}};
inline const Fields kOk{{":status", "200"}};

inline std::string value_of(const Fields& fields, const std::string& name) {
  for (const auto& field : fields)
    if (field.name == name) return field.value;
  return {};
}

/// What has passed on one stream, as one end sees it.
struct PeerStream {
  std::vector<Fields> blocks;  ///< received: a head, perhaps informational heads before it, perhaps trailers
  std::vector<std::string> never_indexed;  ///< names
  std::string body;                        ///< received
  std::size_t body_bytes = 0;              ///< also without keep_bodies
  bool ended = false;
  std::optional<std::uint32_t> closed;

  std::string out;           ///< to send
  std::size_t out_more = 0;  ///< after `out`, as many 'x'
  std::size_t out_bytes = 0;
  bool out_ended = true, deferred = false;
  Fields out_trailers;
};

enum class Reader { prompt, on_demand };

class Peer {
 public:
  enum Role { client, server };
  explicit Peer(Role role, std::vector<nghttp2_settings_entry> settings = {}, Reader reader = Reader::prompt) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_block);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, reader == Reader::on_demand);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    (role == client ? nghttp2_session_client_new2 : nghttp2_session_server_new2)(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, 0, settings.data(), settings.size());
  }
  ~Peer() { nghttp2_session_del(session_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void receive(std::string_view bytes) {
    auto got = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    REQUIRE(got == static_cast<ssize_t>(bytes.size()));
  }
  std::string send(std::size_t most = SIZE_MAX) {
    std::string out;
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 1; out.size() < most;) {
      size = nghttp2_session_mem_send(session_, &bytes);
      if (size <= 0) break;
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return out;
  }

  std::int32_t request(const Fields& fields, const PeerStream& body = {}) {
    auto nva = to_nv(fields);
    auto provider = source();
    bool empty = body.out_ended && body.out.empty() && body.out_more == 0 && body.out_trailers.empty();
    auto id = nghttp2_submit_request(session_, nullptr, nva.data(), nva.size(), empty ? nullptr : &provider, nullptr);
    streams[id] = body;
    return id;
  }
  void respond(std::int32_t id, const Fields& fields, const PeerStream& body = {}) {
    auto& stream = streams[id];
    stream.out = body.out;
    stream.out_more = body.out_more;
    stream.out_ended = body.out_ended;
    stream.out_trailers = body.out_trailers;
    auto nva = to_nv(fields);
    auto provider = source();
    bool empty = body.out_ended && body.out.empty() && body.out_more == 0 && body.out_trailers.empty();
    nghttp2_submit_response(session_, id, nva.data(), nva.size(), empty ? nullptr : &provider);
  }
  void inform(std::int32_t id, const Fields& fields) {
    auto nva = to_nv(fields);
    nghttp2_submit_headers(session_, 0, id, nullptr, nva.data(), nva.size(), nullptr);
  }
  void write(std::int32_t id, const std::string& bytes, bool ends = false, Fields trailers = {}) {
    auto& stream = streams[id];
    stream.out += bytes;
    stream.out_ended = ends;
    stream.out_trailers = std::move(trailers);
    nghttp2_session_resume_data(session_, id);
  }
  void reset(std::int32_t id, std::uint32_t code) { nghttp2_submit_rst_stream(session_, 0, id, code); }
  void ping(const char (&eight)[9]) { nghttp2_submit_ping(session_, 0, reinterpret_cast<const std::uint8_t*>(eight)); }
  void leave(std::int32_t last, std::uint32_t code, const std::string& text = {}) {
    nghttp2_submit_goaway(session_, 0, last, code, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  void settings(std::vector<nghttp2_settings_entry> entries) {
    nghttp2_submit_settings(session_, 0, entries.data(), entries.size());
  }
  /// For Reader::on_demand: the application has read what it got.
  void consume(std::int32_t id) {
    auto& stream = streams[id];
    nghttp2_session_consume(session_, id, stream.body_bytes - consumed_[id]);
    consumed_[id] = stream.body_bytes;
  }
  std::uint32_t remote(nghttp2_settings_id id) const { return nghttp2_session_get_remote_settings(session_, id); }
  nghttp2_session* session() { return session_; }

  std::map<std::int32_t, PeerStream> streams;
  bool keep_bodies = true;
  std::function<void(std::int32_t)> on_head, on_end;  ///< for servers
  std::optional<std::uint32_t> goaway;
  std::string goaway_text;
  std::int32_t goaway_last = -1;
  std::vector<std::string> pongs;

  static std::vector<nghttp2_nv> to_nv(const Fields& fields) {
    auto raw = [](const std::string& text) {
      return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    std::vector<nghttp2_nv> made;
    for (const auto& [name, value] : fields) made.push_back({raw(name), raw(value), name.size(), value.size(), 0});
    return made;
  }

 private:
  static Peer& self(void* user) { return *static_cast<Peer*>(user); }
  static nghttp2_data_provider source() { return {.source = {}, .read_callback = read}; }

  static int begin_block(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    self(user).streams[frame->hd.stream_id].blocks.emplace_back();
    return 0;
  }
  static int field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                   const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* user) {
    auto& stream = self(user).streams[frame->hd.stream_id];
    std::string text(reinterpret_cast<const char*>(name), name_size);
    if (flags & NGHTTP2_NV_FLAG_NO_INDEX) stream.never_indexed.push_back(text);
    stream.blocks.back().push_back({text, std::string(reinterpret_cast<const char*>(value), value_size)});
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& peer = self(user);
    auto id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      peer.goaway = frame->goaway.error_code;
      peer.goaway_last = frame->goaway.last_stream_id;
      peer.goaway_text.assign(reinterpret_cast<const char*>(frame->goaway.opaque_data), frame->goaway.opaque_data_len);
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
      peer.pongs.emplace_back(reinterpret_cast<const char*>(frame->ping.opaque_data), 8);
    if (frame->hd.type == NGHTTP2_HEADERS && peer.on_head) peer.on_head(id);
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (ends) peer.streams[id].ended = true;
    if (ends && peer.on_end) peer.on_end(id);
    return 0;
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                  void* user) {
    auto& stream = self(user).streams[id];
    if (self(user).keep_bodies) stream.body.append(reinterpret_cast<const char*>(bytes), size);
    stream.body_bytes += size;
    return 0;
  }
  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    self(user).streams[id].closed = code;
    return 0;
  }
  static ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto& stream = self(user).streams[id];
    auto part = std::min(size, stream.out.size());
    std::memcpy(buffer, stream.out.data(), part);
    stream.out.erase(0, part);
    auto more = std::min(size - part, stream.out_more);
    std::memset(buffer + part, 'x', more);
    stream.out_more -= more;
    stream.out_bytes += part + more;
    bool all = stream.out.empty() && stream.out_more == 0;
    if (all && stream.out_ended) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.out_trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        auto nva = to_nv(stream.out_trailers);
        nghttp2_submit_trailer(session, id, nva.data(), nva.size());
      }
    } else if (part + more == 0) {
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(part + more);
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::size_t> consumed_;
};

inline std::optional<Http2Refusal> pass_all(Fields&) { return std::nullopt; }

/// A guest, the relay, and a host.
struct Scene {
  explicit Scene(Http2Hook hook = pass_all, std::vector<nghttp2_settings_entry> of_host = {},
                 Reader guest_reader = Reader::prompt, Reader host_reader = Reader::prompt,
                 std::vector<nghttp2_settings_entry> of_guest = {})
      : relay(std::move(hook)), guest(Peer::client, of_guest, guest_reader), host(Peer::server, of_host, host_reader) {}

  /// Moves bytes until nothing moves any more.
  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      if (relay.wants_guest())
        moved |= move(guest.send(limits::kRelayTakeBytes), [&](auto b) { relay.feed_guest(b, now); });
      if (relay.wants_outside())
        moved |= move(host.send(limits::kRelayTakeBytes), [&](auto b) { relay.feed_outside(b, now); });
      moved |= move(relay.take_for_guest(), [&](auto b) { guest.receive(b); });
      moved |= move(relay.take_for_outside(), [&](auto b) { host.receive(b); });
      most_on_way_down = std::max(most_on_way_down, on_way(host, guest));
      most_on_way_up = std::max(most_on_way_up, on_way(guest, host));
    }
  }
  static bool move(const std::string& bytes, const std::function<void(std::string_view)>& to) {
    if (!bytes.empty()) to(bytes);
    return !bytes.empty();
  }
  /// Bytes of bodies that the relay holds.
  static std::size_t on_way(const Peer& from, const Peer& to) {
    std::size_t sent = 0, got = 0;
    for (const auto& [id, stream] : from.streams) sent += stream.out_bytes;
    for (const auto& [id, stream] : to.streams) got += stream.body_bytes;
    return sent > got ? sent - got : 0;
  }

  Instant now{std::chrono::seconds(1000)};
  Http2Relay relay;
  Peer guest, host;
  std::size_t most_on_way_down = 0, most_on_way_up = 0;
};

/// A frame as bytes.
inline std::string frame(std::uint8_t type, std::uint8_t flags, std::int32_t id, const std::string& payload) {
  std::string made;
  for (int shift : {16, 8, 0}) made.push_back(static_cast<char>(payload.size() >> shift));
  made += {static_cast<char>(type), static_cast<char>(flags)};
  for (int shift : {24, 16, 8, 0}) made.push_back(static_cast<char>(id >> shift));
  return made + payload;
}
/// A field without compression (RFC 7541, section 6.2.2).
inline std::string literal(const std::string& name, const std::string& value) {
  std::string made(1, '\0');
  for (const auto* text : {&name, &value}) {
    REQUIRE(text->size() < 127);
    made += static_cast<char>(text->size()) + *text;
  }
  return made;
}
inline std::string block(const Fields& fields) {
  std::string made;
  for (const auto& field : fields) made += literal(field.name, field.value);
  return made;
}
inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(NGHTTP2_SETTINGS, 0, 0, "");
inline std::string settings_ack() { return frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""); }
inline std::string headers(std::int32_t id, const Fields& fields, bool ends = true) {
  return frame(NGHTTP2_HEADERS, static_cast<std::uint8_t>(NGHTTP2_FLAG_END_HEADERS | (ends ? 1 : 0)), id,
               block(fields));
}

}  // namespace http2_peers
