// What the two sides of a relay of HTTP/2 mean for each other. Http2Relay is its public form.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egress/http2_relay.h"
#include "egress/http2_side.h"

namespace banger::egress {

/// One value for each side.
template <class T>
struct Http2Both {
  T guest, outside;
  T& operator[](Http2End end) { return end == Http2End::guest ? guest : outside; }
  const T& operator[](Http2End end) const { return end == Http2End::guest ? guest : outside; }
};

/// A request of the guest with its response. It exists until both sides have closed their streams.
struct Http2Stream {
  Http2Both<std::int32_t> id{};              ///< outside: 0 until the host has room for the stream
  Http2Both<Http2Pipe> to;                   ///< bodies on their way to that side
  Http2Both<bool> closed{};                  ///< the side's stream has ended, or was never opened
  Http2Both<std::size_t> extra{}, streak{};  ///< of the side's window: bytes beyond the least, bytes since it grew
  Http2Block request;                        ///< until it is sent
  bool has_body = false;                     ///< of the request: DATA or trailers follow
  bool answered = false;                     ///< the final response's head has come
  bool end_sent = false;                     ///< to the guest
  std::size_t unsent_blocks = 0;             ///< to the guest
  bool reset_by_us = false;                  ///< the guest's stream, by what the host has done
};

class Http2Core final : public Http2Events {
 public:
  explicit Http2Core(Http2Hook hook);

  void feed(Http2End end, std::string_view bytes, Instant now);
  void end(Http2End end);
  std::string take(Http2End end);
  bool wants(Http2End end) const;
  bool over() const { return over_; }
  const std::string& fault() const { return fault_; }
  std::size_t streams() const { return streams_.size(); }

 private:
  // Http2Events
  void on_block(Http2End end, std::int32_t id, Http2Block block, bool ends) override;
  void on_data(Http2End end, std::int32_t id, std::string_view bytes) override;
  void on_body_end(Http2End end, std::int32_t id) override;
  void on_closed(Http2End end, std::int32_t id, std::uint32_t code) override;
  void on_settings(Http2End end) override;
  void on_ping(Http2End end, const PingData& data, bool answers) override;
  void on_goaway(Http2End end, std::uint32_t code, std::string_view text) override;
  Http2Pipe* body_for(Http2End end, std::int32_t id) override;
  void on_block_sent(Http2End end, std::int32_t id) override;
  void on_taken(Http2End end, std::int32_t id, std::size_t bytes) override;
  void on_end_sent(Http2End end, std::int32_t id) override;
  bool is_full() const override;

  // -- requests
  void take_request(std::int32_t id, Http2Block block, bool ends);
  std::optional<Http2Refusal> judge(Http2Block& block);
  void answer(Http2Stream& stream, bool is_head, const Http2Refusal& refusal);
  void send_requests();
  bool has_room_outside() const;
  void stop_waiting(Http2Stream& stream);
  void refuse_waiting();

  // -- responses
  void take_response(Http2Stream& stream, Http2Block block, bool ends);
  void take_trailers(Http2End end, Http2Stream& stream, Http2Block block);

  // -- ends of streams
  void guest_closed(Http2Stream& stream, std::uint32_t code);
  void outside_closed(Http2Stream& stream, std::uint32_t code);
  void fail_when_taken(Http2Stream& stream, std::uint32_t code);
  void fail_if_taken(Http2Stream& stream);
  void reset(Http2End end, Http2Stream& stream, std::uint32_t code);
  void count_reset();
  void end_body(Http2End end, Http2Stream& stream);
  void wake(Http2End end, Http2Stream& stream);
  void close_body(Http2End end, Http2Stream& stream);
  void drop(Http2Stream& stream);

  // -- windows
  void widen(Http2End end, Http2Stream& stream, std::size_t bytes);

  // -- ends of connections
  void settle();
  void lose_outside(std::string why);
  void finish();

  Http2Stream* find(Http2End end, std::int32_t id);
  Http2Side& guest() { return *sides_.guest; }
  Http2Side& outside() { return *sides_.outside; }

  Http2Hook hook_;
  std::vector<std::unique_ptr<Http2Stream>> streams_;
  std::vector<Http2Stream*> waiting_;       ///< for room outside, the oldest first
  std::size_t open_outside_ = 0;            ///< streams there
  std::size_t waiting_bytes_ = 0;           ///< of their fields
  Http2Both<std::size_t> pool_, held_{};    ///< window bytes that streams of that side may still get; bytes from there
  Http2Both<std::vector<PingData>> pings_;  ///< from that side, not answered yet
  Http2Budget resets_;
  Instant now_{};
  std::uint32_t announced_streams_;
  std::size_t announcements_ = 0;
  bool announced_connect_ = false, has_begun_ = false;
  bool guest_leaves_ = false, outside_leaves_ = false, outside_ended_ = false, outside_gone_ = false, over_ = false;
  std::string fault_;
  Http2Both<std::unique_ptr<Http2Side>> sides_;
};

}  // namespace banger::egress
