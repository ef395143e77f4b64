#include "egress/http_body.h"

#include <algorithm>

#include "egress/bounds.h"

namespace banger::egress {

namespace {

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_field_byte(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); }

}  // namespace

HttpBodyReader::HttpBodyReader(const HttpHead& head)
    : chunked_(head.framing == Framing::chunked), in_(chunked_ ? In::size : In::data), left_(head.content_length) {
  if (head.framing == Framing::none || (!chunked_ && left_ == 0)) state_ = BodyState::ended;
}

std::size_t HttpBodyReader::feed(std::string_view bytes) {
  std::size_t at = 0;
  while (state_ == BodyState::need_more && at < bytes.size()) {
    if (in_ == In::data) {
      at += feed_data(bytes.size() - at);
    } else {
      state_ = take(bytes[at]);
      if (state_ != BodyState::malformed) ++at;
    }
  }
  return at;
}

std::size_t HttpBodyReader::feed_data(std::size_t available) {
  auto taken = std::min<std::uint64_t>(left_, available);
  left_ -= taken;
  if (left_ == 0 && chunked_) in_ = In::data_end;
  if (left_ == 0 && !chunked_) state_ = BodyState::ended;
  return static_cast<std::size_t>(taken);
}

BodyState HttpBodyReader::go_to(In next) {
  in_ = next;
  digits_ = 0;
  line_bytes_ = 0;
  after_cr_ = false;
  return BodyState::need_more;
}

BodyState HttpBodyReader::take(char byte) {
  switch (in_) {
    case In::size:
      return take_size(byte);
    case In::size_end:
      if (byte != '\n') return BodyState::malformed;
      return go_to(left_ == 0 ? In::trailer : In::data);
    case In::data_end:
      return byte == '\r' ? go_to(In::data_end_lf) : BodyState::malformed;
    case In::data_end_lf:
      return byte == '\n' ? go_to(In::size) : BodyState::malformed;
    case In::trailer:
      return take_trailer(byte);
    case In::last_lf:
      return byte == '\n' ? BodyState::ended : BodyState::malformed;
    case In::data:
      break;
  }
  return BodyState::malformed;
}

BodyState HttpBodyReader::take_size(char byte) {
  constexpr int kMostDigits = 15;  // so that no size overflows
  if (byte == '\r' && digits_ > 0) return go_to(In::size_end);
  int digit = hex_of(byte);
  if (digit < 0 || digits_ == kMostDigits) return BodyState::malformed;
  if (digits_ == 0) left_ = 0;
  left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
  ++digits_;
  return BodyState::need_more;
}

// Fields after the last chunk. They end with an empty line.
BodyState HttpBodyReader::take_trailer(char byte) {
  if (++trailer_bytes_ > limits::kRequestHeadBytes) return BodyState::malformed;
  if (after_cr_) return byte == '\n' ? go_to(In::trailer) : BodyState::malformed;
  if (byte == '\r') {
    if (line_bytes_ == 0) return go_to(In::last_lf);
    after_cr_ = true;
    return BodyState::need_more;
  }
  if (!is_field_byte(byte)) return BodyState::malformed;
  ++line_bytes_;
  return BodyState::need_more;
}

}  // namespace banger::egress
