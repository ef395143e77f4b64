#include "egress/client_hello.h"

#include "egress/bounds.h"

namespace banger::egress {

namespace {

constexpr unsigned char kHelloMessage = 1;
constexpr std::size_t kMessageHeader = 4;

}  // namespace

HelloState ClientHelloParser::feed(std::string_view bytes) {
  for (char byte : bytes) {
    if (state_ != HelloState::need_more) break;
    state_ = take(static_cast<unsigned char>(byte));
  }
  return state_;
}

HelloState ClientHelloParser::take(unsigned char byte) {
  if (++bytes_ > limits::kClientHelloBytes) return HelloState::too_large;
  switch (records_.take(byte)) {
    case HandshakeRecords::Part::frame:
      return HelloState::need_more;
    case HandshakeRecords::Part::content:
      return take_content(byte);
    case HandshakeRecords::Part::wrong:
      break;
  }
  // Type and version of the first record tell whether this is TLS at all.
  bool first = flight_ == Flight::first && bytes_ <= 2;
  return first ? HelloState::not_tls : HelloState::malformed;
}

HelloState ClientHelloParser::take_content(unsigned char byte) {
  message_ += static_cast<char>(byte);
  if (message_.size() == 1 && byte != kHelloMessage) return HelloState::malformed;
  if (message_.size() == kMessageHeader) {
    for (char part : message_.substr(1)) message_size_ = message_size_ << 8 | static_cast<unsigned char>(part);
    message_size_ += kMessageHeader;
    if (message_size_ > limits::kClientHelloBytes) return HelloState::too_large;
  }
  if (message_size_ == 0 || message_.size() < message_size_) return HelloState::need_more;
  // No other message may follow in the same record, because the keys change after the server's answer.
  bool sound = records_.at_border() && read_client_hello(std::string_view(message_).substr(kMessageHeader), hello_);
  return sound ? HelloState::found : HelloState::malformed;
}

}  // namespace banger::egress
