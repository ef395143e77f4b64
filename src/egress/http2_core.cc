// The two connections as wholes: what goes in and out, what belongs to no stream, and how they end.
#include "egress/http2_core.h"

#include <algorithm>
#include <utility>

#include "egress/bounds.h"
#include "egress/http2_codes.h"

namespace banger::egress {

Http2Core::Http2Core(Http2Hook hook)
    : hook_(std::move(hook)),
      pool_{limits::kRelayPoolBytes, limits::kRelayPoolBytes},
      resets_(limits::kRelayResets, limits::kRelayResetsPerSecond),
      announced_streams_(limits::kRelayStreams),
      sides_{std::make_unique<Http2Side>(Http2End::guest, *this),
             std::make_unique<Http2Side>(Http2End::outside, *this)} {}

void Http2Core::feed(Http2End end, std::string_view bytes, Instant now) {
  now_ = now;
  if (over_ || (end == Http2End::outside && outside_ended_)) return;
  sides_[end]->receive(bytes, now_);
  settle();
}

std::string Http2Core::take(Http2End end) {
  auto bytes = sides_[end]->take();
  if (over_) return bytes;
  guest().resume();
  if (!outside_gone_) {
    outside().resume();
    send_requests();
  }
  settle();
  return bytes;
}

void Http2Core::end(Http2End end) {
  if (over_) return;
  if (end == Http2End::guest) return finish();
  outside_ended_ = true;
  settle();
}

bool Http2Core::wants(Http2End end) const {
  if (over_ || (end == Http2End::outside && outside_ended_)) return false;
  return !is_full() && !sides_[end]->has_waiting_input();
}

// What a side sends becomes frames for the other side, or replies. Whoever does not read them is not read either.
bool Http2Core::is_full() const {
  return sides_.guest->unsent_block_bytes() > limits::kRelayBlockBytes ||
         sides_.guest->queued_frames() > limits::kRelayFrames || sides_.outside->queued_frames() > limits::kRelayFrames;
}

Http2Stream* Http2Core::find(Http2End end, std::int32_t id) {
  for (auto& stream : streams_)
    if (stream->id[end] == id && !stream->closed[end]) return stream.get();
  return nullptr;
}

// A lower number of streams is for a guest that has not begun. nghttp2 would refuse the requests that are on their way
// already. Those wait instead.
void Http2Core::on_settings(Http2End end) {
  if (end == Http2End::guest || over_) return;
  auto streams = announced_streams_;
  if (!has_begun_) streams = std::min(limits::kRelayStreams, outside().remote(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  bool connect = outside().remote(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 0;
  bool changed = streams != announced_streams_ || connect != announced_connect_;
  // nghttp2 keeps each announcement until the guest acknowledges it.
  if (changed && announcements_++ < limits::kRelayAnnouncements) {
    guest().announce(streams, connect);
    announced_streams_ = streams;
    announced_connect_ = connect;
  }
  send_requests();
}

// From end to end, so that the answer also says that the other end is there.
void Http2Core::on_ping(Http2End end, const PingData& data, bool answers) {
  if (over_ || outside_gone_) return;
  auto& waiting = pings_[answers ? other(end) : end];
  if (!answers) {
    waiting.push_back(data);
    if (waiting.size() > limits::kRelayPings)
      return sides_[end]->stop(NGHTTP2_ENHANCE_YOUR_CALM, "too many unanswered pings");
  } else {
    auto at = std::ranges::find(waiting, data);
    if (at == waiting.end()) return;
    waiting.erase(at);
  }
  sides_[other(end)]->ping(data, answers);
}

void Http2Core::on_goaway(Http2End end, std::uint32_t code, std::string_view text) {
  if (over_) return;
  if (end == Http2End::guest) {
    guest_leaves_ = true;
    return;
  }
  outside_leaves_ = true;
  guest().leave(code == 0 ? code : code_for_guest(code), text);
  refuse_waiting();
}

void Http2Core::settle() {
  if (over_) return;
  if (guest().stopped()) {
    fault_ = guest().fault();
    return finish();
  }
  if (outside().stopped() && !outside_gone_) lose_outside(outside().fault());
  // The last bytes of the host may have to wait for the guest.
  if (outside_ended_ && !outside_gone_ && !outside().has_waiting_input())
    lose_outside(streams_.empty() ? "" : "the host has ended the connection too early");
  if (streams_.empty() && (guest_leaves_ || outside_leaves_ || outside_gone_)) finish();
}

// The guest gets what has come before, and then the end of its connection. That is what it would see without a relay,
// and clients know which requests they can repeat.
void Http2Core::lose_outside(std::string why) {
  outside_ended_ = outside_gone_ = true;
  guest().leave(outside().stopped() ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_NO_ERROR, why);
  fault_ = std::move(why);
  refuse_waiting();
  std::vector<Http2Stream*> all;
  for (auto& stream : streams_) all.push_back(stream.get());
  for (auto* stream : all)
    if (!stream->closed.outside) outside_closed(*stream, NGHTTP2_INTERNAL_ERROR);
}

void Http2Core::finish() {
  over_ = true;
  guest().leave(NGHTTP2_NO_ERROR, {});
  outside().leave(NGHTTP2_NO_ERROR, {});
  waiting_.clear();
  streams_.clear();
}

}  // namespace banger::egress
