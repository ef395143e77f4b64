// Bodies on their way through the relay, and the windows that bound them.
//
// Each stream has a small window that it always gets back, so no stream can stop another one. From a pool it gets more,
// and still more while its reader keeps up. So the bytes on their way have a bound, and a single large body is fast.
#include <algorithm>

#include "egress/bounds.h"
#include "egress/http2_core.h"

namespace banger::egress {

void Http2Core::on_data(Http2End end, std::int32_t id, std::string_view bytes) {
  auto* stream = find(end, id);
  if (!stream || stream->to[other(end)].closed()) return;
  held_[end] += bytes.size();
  stream->to[other(end)].push(bytes);
  // A peer that never acknowledges our SETTINGS has larger windows.
  if (held_[end] > limits::kRelayHeldBytes)
    return sides_[end]->stop(NGHTTP2_FLOW_CONTROL_ERROR, "more bytes came than the windows allow");
  wake(other(end), *stream);
}

Http2Pipe* Http2Core::body_for(Http2End end, std::int32_t id) {
  auto* stream = find(end, id);
  return stream ? &stream->to[end] : nullptr;
}

void Http2Core::on_block_sent(Http2End end, std::int32_t id) {
  auto* stream = find(end, id);
  if (!stream) return;
  if (end == Http2End::guest) {
    if (stream->unsent_blocks > 0) --stream->unsent_blocks;
    return fail_if_taken(*stream);
  }
  if (stream->extra.outside == 0) widen(end, *stream, limits::kRelayFirstWindowBytes - limits::kRelayStreamWindowBytes);
}

void Http2Core::on_taken(Http2End end, std::int32_t id, std::size_t bytes) {
  auto* stream = find(end, id);
  if (!stream) return;
  auto from = other(end);
  auto& body = stream->to[end];
  held_[from] -= bytes;
  stream->streak[from] += bytes;
  if (!stream->closed[from] && !body.ended) {
    sides_[from]->consume(stream->id[from], bytes);
    auto window = limits::kRelayStreamWindowBytes + stream->extra[from];
    // The reader has kept up for a whole window, so the window is what holds the sender back.
    if (stream->streak[from] >= window && body.size() == 0) {
      stream->streak[from] = 0;
      widen(from, *stream, std::min(window, limits::kRelayMostWindowBytes - window));
    }
  }
  if (end == Http2End::guest) fail_if_taken(*stream);
}

void Http2Core::widen(Http2End end, Http2Stream& stream, std::size_t bytes) {
  bytes = std::min(bytes, pool_[end]);
  if (bytes == 0) return;
  pool_[end] -= bytes;
  stream.extra[end] += bytes;
  sides_[end]->widen(stream.id[end], bytes);
}

void Http2Core::wake(Http2End end, Http2Stream& stream) {
  if (!stream.to[end].deferred) return;
  stream.to[end].deferred = false;
  sides_[end]->resume_body(stream.id[end]);
}

void Http2Core::close_body(Http2End end, Http2Stream& stream) {
  held_[other(end)] -= stream.to[end].size();
  stream.to[end].close();
}

}  // namespace banger::egress
