// Responses of the host, trailers of both sides, and how streams end.
#include <utility>

#include "egress/bounds.h"
#include "egress/http2_codes.h"
#include "egress/http2_core.h"

namespace banger::egress {

void Http2Core::take_response(Http2Stream& stream, Http2Block block, bool ends) {
  if (stream.closed.guest || stream.reset_by_us) return;
  if (block.too_large) {
    answer(stream, false, {.status = 502, .text = "the host's response has too many header fields, or too large ones"});
    return reset(Http2End::outside, stream, NGHTTP2_CANCEL);
  }
  ++stream.unsent_blocks;
  bool informs = !block.fields.empty() && block.fields[0].name == ":status" && block.fields[0].value.starts_with('1');
  if (informs) return guest().inform(stream.id.guest, block);
  stream.answered = true;
  stream.to.guest.ended = ends;
  guest().respond(stream.id.guest, block, !ends);
}

void Http2Core::take_trailers(Http2End end, Http2Stream& stream, Http2Block block) {
  if (block.too_large || block.bytes > limits::kRelayTrailerBytes) {
    if (!stream.closed.outside) reset(Http2End::outside, stream, NGHTTP2_CANCEL);
    if (!stream.closed.guest) reset(Http2End::guest, stream, NGHTTP2_ENHANCE_YOUR_CALM);
    return;
  }
  auto& body = stream.to[other(end)];
  if (!body.closed()) body.trailers = std::move(block.fields);
  end_body(other(end), stream);
}

void Http2Core::on_body_end(Http2End end, std::int32_t id) {
  if (auto* stream = find(end, id)) end_body(other(end), *stream);
}

void Http2Core::end_body(Http2End end, Http2Stream& stream) {
  stream.to[end].ended = true;
  wake(end, stream);
}

void Http2Core::on_closed(Http2End end, std::int32_t id, std::uint32_t code) {
  if (over_) return;
  auto* stream = find(end, id);
  if (stream && end == Http2End::guest) return guest_closed(*stream, code);
  if (stream) return outside_closed(*stream, code);
  // A request that was not even read to its end. nghttp2 has refused it.
  if (end == Http2End::guest && code != NGHTTP2_REFUSED_STREAM && !outside_gone_) count_reset();
}

void Http2Core::guest_closed(Http2Stream& stream, std::uint32_t code) {
  stream.closed.guest = true;
  close_body(Http2End::guest, stream);
  if (!stream.reset_by_us && !stream.end_sent) count_reset();
  if (stream.closed.outside) return drop(stream);
  if (stream.id.outside == 0) {
    stop_waiting(stream);
    return drop(stream);
  }
  // The guest has all of its response, and has sent all of its request, which may still be on its way.
  if (stream.end_sent && stream.to.outside.ended && code == NGHTTP2_NO_ERROR) return;
  reset(Http2End::outside, stream, code_for_outside(code));
}

// Requests that end before their responses cost the guest nothing, and the host much (CVE-2023-44487).
void Http2Core::count_reset() {
  if (!resets_.spend(now_)) guest().stop(NGHTTP2_ENHANCE_YOUR_CALM, "the guest ends too many requests early");
}

void Http2Core::outside_closed(Http2Stream& stream, std::uint32_t code) {
  --open_outside_;
  stream.closed.outside = true;
  close_body(Http2End::outside, stream);
  if (stream.closed.guest)
    drop(stream);
  else if (!stream.to.guest.ended)
    fail_when_taken(stream, code_for_guest(code));
  else if (stream.end_sent && !stream.to.outside.ended)
    reset(Http2End::guest, stream, NGHTTP2_NO_ERROR);
  if (!outside_gone_) send_requests();
}

void Http2Core::fail_when_taken(Http2Stream& stream, std::uint32_t code) {
  stream.to.guest.reset = code;
  fail_if_taken(stream);
}

// nghttp2 drops what waits before a reset. So the reset waits, and the guest gets what the host has sent.
void Http2Core::fail_if_taken(Http2Stream& stream) {
  auto& body = stream.to.guest;
  if (!body.reset || body.size() > 0 || stream.unsent_blocks > 0 || stream.reset_by_us) return;
  if (outside_gone_) return drop(stream);
  reset(Http2End::guest, stream, *body.reset);
}

void Http2Core::reset(Http2End end, Http2Stream& stream, std::uint32_t code) {
  if (end == Http2End::guest) stream.reset_by_us = true;
  close_body(end, stream);
  sides_[end]->reset(stream.id[end], code);
}

// After its response, a request has no reader (RFC 9113, section 8.1).
void Http2Core::on_end_sent(Http2End end, std::int32_t id) {
  auto* stream = end == Http2End::guest ? find(end, id) : nullptr;
  if (!stream) return;
  stream->end_sent = true;
  if (stream->closed.outside && !stream->to.outside.ended) reset(Http2End::guest, *stream, NGHTTP2_NO_ERROR);
}

void Http2Core::drop(Http2Stream& stream) {
  for (auto end : {Http2End::guest, Http2End::outside}) {
    close_body(end, stream);
    pool_[end] += stream.extra[end];
  }
  std::erase_if(streams_, [&](auto& one) { return one.get() == &stream; });
}

}  // namespace banger::egress
