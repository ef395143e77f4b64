// One side of a relay of HTTP/2: a session of nghttp2 with its callbacks, and the protections that need no knowledge of
// the other side. What the frames mean for the other side is up to Http2Events.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "egress/http2_budget.h"
#include "egress/http2_pipe.h"

namespace banger::egress {

enum class Http2End : std::uint8_t { guest, outside };
inline Http2End other(Http2End end) { return end == Http2End::guest ? Http2End::outside : Http2End::guest; }

/// The fields of one header block. `never_indexed` has one value for each field.
struct Http2Block {
  std::vector<HttpField> fields;
  std::vector<bool> never_indexed;
  std::size_t bytes = 0;   ///< as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113, section 6.5.2)
  bool too_large = false;  ///< then `fields` is empty
};
using PingData = std::array<std::uint8_t, 8>;

/// What a side tells. All calls come from within the calls of Http2Side that take or give bytes.
class Http2Events {
 public:
  virtual ~Http2Events() = default;
  /// `ends`: the stream's last block; no body follows.
  virtual void on_block(Http2End end, std::int32_t id, Http2Block block, bool ends) = 0;
  virtual void on_data(Http2End end, std::int32_t id, std::string_view bytes) = 0;
  virtual void on_body_end(Http2End end, std::int32_t id) = 0;
  /// Also for streams that had no block. `code` is 0 for a stream that both sides have ended.
  virtual void on_closed(Http2End end, std::int32_t id, std::uint32_t code) = 0;
  virtual void on_settings(Http2End end) = 0;
  virtual void on_ping(Http2End end, const PingData& data, bool answers) = 0;
  virtual void on_goaway(Http2End end, std::uint32_t code, std::string_view text) = 0;

  /// The body to send; null for a stream that has none, or none any more.
  virtual Http2Pipe* body_for(Http2End end, std::int32_t id) = 0;
  virtual void on_block_sent(Http2End end, std::int32_t id) = 0;
  virtual void on_taken(Http2End end, std::int32_t id, std::size_t bytes) = 0;
  virtual void on_end_sent(Http2End end, std::int32_t id) = 0;

  /// Whether input of both sides has to wait until something was taken.
  virtual bool is_full() const = 0;
};

class Http2Side {
 public:
  Http2Side(Http2End end, Http2Events& events);
  ~Http2Side();
  Http2Side(const Http2Side&) = delete;
  Http2Side& operator=(const Http2Side&) = delete;

  void receive(std::string_view bytes, Instant now);
  /// Goes on with bytes that had to wait.
  void resume();
  bool has_waiting_input() const { return paused_ || !inbox_.empty(); }
  std::string take();

  /// Ends the connection with a GOAWAY that has the reason. `why`: a clause, "the guest resets too many requests".
  void stop(std::uint32_t code, std::string why);
  bool stopped() const { return !fault_.empty(); }
  const std::string& fault() const { return fault_; }
  /// GOAWAY; streams that are open go on. Only the first call counts.
  void leave(std::uint32_t code, std::string_view text);

  // Wrappers of nghttp2. They may be called from within Http2Events.
  void announce(std::uint32_t streams, bool connect_protocol);
  /// The new stream's id; negative if there can be none.
  std::int32_t request(const Http2Block& block, bool has_body);
  void respond(std::int32_t id, const Http2Block& block, bool has_body);
  void inform(std::int32_t id, const Http2Block& block);
  void trail(std::int32_t id, const std::vector<HttpField>& fields);
  void reset(std::int32_t id, std::uint32_t code);
  void resume_body(std::int32_t id) { nghttp2_session_resume_data(session_, id); }
  void ping(const PingData& data, bool answers);
  /// The other side has taken bytes of this stream.
  void consume(std::int32_t id, std::size_t bytes) { nghttp2_session_consume_stream(session_, id, bytes); }
  void widen(std::int32_t id, std::size_t bytes);
  std::uint32_t remote(nghttp2_settings_id id) const { return nghttp2_session_get_remote_settings(session_, id); }

  std::size_t unsent_block_bytes() const { return unsent_block_bytes_; }
  std::size_t queued_frames() const { return nghttp2_session_get_outbound_queue_size(session_); }

 private:
  friend struct Http2Callbacks;
  std::string who() const { return end_ == Http2End::guest ? "the guest" : "the host"; }
  void process(std::string_view bytes);
  void fail_with(ssize_t error);
  std::string goaway(std::uint32_t code) const;

  Http2End end_;
  Http2Events& events_;
  nghttp2_session* session_ = nullptr;
  Http2Block block_;  ///< of the HEADERS that are on their way in; there is one at a time
  std::string inbox_;
  std::string goodbye_;
  std::string fault_;
  std::string* out_ = nullptr;  ///< only within take()
  std::size_t unsent_block_bytes_ = 0, continuations_ = 0;
  Http2Budget nuisances_;
  Instant now_{};
  std::optional<std::uint32_t> leaving_;  ///< the code of our GOAWAY, until it is sent
  bool paused_ = false, left_ = false;
};

}  // namespace banger::egress
