#include "egress/hello_retry.h"

namespace banger::egress {

namespace {

constexpr char kServerHello = 2;
constexpr std::size_t kBeforeRandom = 6;  // type, length, version
// SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
constexpr std::string_view kRetryRandom(
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
    "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c",
    32);

}  // namespace

RetryState HelloRetryParser::feed(std::string_view bytes) {
  for (char byte : bytes) {
    if (state_ != RetryState::need_more) break;
    state_ = take(static_cast<unsigned char>(byte));
  }
  return state_;
}

RetryState HelloRetryParser::take(unsigned char byte) {
  auto part = records_.take(byte);
  if (part == HandshakeRecords::Part::wrong) return RetryState::none;
  if (part == HandshakeRecords::Part::frame) return RetryState::need_more;
  message_ += static_cast<char>(byte);
  if (message_[0] != kServerHello) return RetryState::none;
  if (message_.size() < kBeforeRandom + kRetryRandom.size()) return RetryState::need_more;
  return message_.ends_with(kRetryRandom) ? RetryState::retry : RetryState::none;
}

}  // namespace banger::egress
