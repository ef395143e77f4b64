// Requests of the guest: the hook, refusals, and the wait for room outside.
#include <algorithm>
#include <utility>

#include "egress/bounds.h"
#include "egress/http2_codes.h"
#include "egress/http2_core.h"

namespace banger::egress {

namespace {

Http2Refusal too_large() {
  return {.status = 431, .text = "the request has too many header fields, or more than 64 KiB of them"};
}

std::string_view value_of(const Http2Block& block, std::string_view name) {
  auto at = std::ranges::find(block.fields, name, &HttpField::name);
  return at == block.fields.end() ? std::string_view() : std::string_view(at->value);
}

bool is_sound(const HttpField& field) {
  auto* value = reinterpret_cast<const std::uint8_t*>(field.value.data());
  return nghttp2_check_header_value_rfc9113(value, field.value.size()) != 0;
}

}  // namespace

void Http2Core::on_block(Http2End end, std::int32_t id, Http2Block block, bool ends) {
  if (over_) return;
  auto* stream = find(end, id);
  if (stream && (end == Http2End::guest || stream->answered)) return take_trailers(end, *stream, std::move(block));
  if (end == Http2End::guest) return take_request(id, std::move(block), ends);
  if (stream) take_response(*stream, std::move(block), ends);
}

void Http2Core::take_request(std::int32_t id, Http2Block block, bool ends) {
  has_begun_ = true;
  bool waits = !waiting_.empty() || !has_room_outside();
  bool refused = outside_leaves_ || outside_ended_ || streams_.size() >= limits::kRelayStreamsHeld ||
                 (waits && waiting_bytes_ + block.bytes > limits::kRelayWaitingBytes);
  if (refused) return guest().reset(id, NGHTTP2_REFUSED_STREAM);
  auto& stream = *streams_.emplace_back(std::make_unique<Http2Stream>());
  stream.id.guest = id;
  stream.has_body = !ends;
  stream.to.outside.ended = ends;
  auto refusal = block.too_large ? too_large() : judge(block);
  if (refusal) {
    stream.closed.outside = true;
    stream.to.outside.close();
    return answer(stream, value_of(block, ":method") == "HEAD", *refusal);
  }
  if (!ends) widen(Http2End::guest, stream, limits::kRelayFirstWindowBytes - limits::kRelayStreamWindowBytes);
  waiting_bytes_ += block.bytes;
  stream.request = std::move(block);
  waiting_.push_back(&stream);
  send_requests();
}

// Nobody may learn a secret from the size of compressed fields. So what the hook has changed is never compressed.
std::optional<Http2Refusal> Http2Core::judge(Http2Block& block) {
  auto before = block.fields;
  if (auto refusal = hook_(block.fields)) return refusal;
  if (value_of(block, ":method") == "CONNECT" && value_of(block, ":protocol").empty())
    return Http2Refusal{.status = 501, .text = "tunnels are not supported here"};
  block.never_indexed.resize(block.fields.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < block.fields.size(); ++i) {
    const auto& field = block.fields[i];
    bytes += field.name.size() + field.value.size();
    if (i < before.size() && field == before[i]) continue;
    block.never_indexed[i] = true;
    if (!is_sound(field))
      return Http2Refusal{.status = 502, .text = "a value for a header field has bytes that HTTP/2 forbids"};
  }
  if (bytes > 2 * limits::kRequestHeadBytes) return too_large();
  return std::nullopt;
}

void Http2Core::answer(Http2Stream& stream, bool is_head, const Http2Refusal& refusal) {
  auto text = refusal.text + "\n";
  Http2Block block{.fields = {{":status", std::to_string(refusal.status)},
                              {"content-type", "text/plain; charset=utf-8"},
                              {"content-length", std::to_string(text.size())}}};
  stream.answered = true;
  ++stream.unsent_blocks;
  auto& body = stream.to.guest;
  if (!is_head) {
    body.push(text);
    held_.outside += text.size();
  }
  body.ended = true;
  guest().respond(stream.id.guest, block, !is_head);
}

bool Http2Core::has_room_outside() const {
  std::size_t streams = sides_.outside->remote(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return open_outside_ < std::min(limits::kRelayStreamsHeld, streams) &&
         sides_.outside->unsent_block_bytes() <= limits::kRelayBlockBytes;
}

void Http2Core::send_requests() {
  while (!waiting_.empty() && has_room_outside()) {
    auto& stream = *waiting_.front();
    auto id = outside().request(stream.request, stream.has_body);
    if (id < 0) {  // a connection has 2^30 streams; the guest opens another one
      outside_leaves_ = true;
      guest().leave(NGHTTP2_NO_ERROR, {});
      return refuse_waiting();
    }
    stop_waiting(stream);
    stream.id.outside = id;
    ++open_outside_;
  }
}

void Http2Core::stop_waiting(Http2Stream& stream) {
  waiting_bytes_ -= stream.request.bytes;
  stream.request = {};
  std::erase(waiting_, &stream);
}

// The host has not seen these requests, so the guest can repeat them.
void Http2Core::refuse_waiting() {
  while (!waiting_.empty()) {
    auto& stream = *waiting_.front();
    stop_waiting(stream);
    stream.closed.outside = true;
    reset(Http2End::guest, stream, NGHTTP2_REFUSED_STREAM);
  }
}

}  // namespace banger::egress
