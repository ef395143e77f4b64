#include "egress/tls_records.h"

#include "egress/bounds.h"

namespace banger::egress {

namespace {

constexpr unsigned char kHandshake = 22, kChangeCipher = 20, kMajorVersion = 3;
constexpr std::size_t kRecordHeader = 5;

}  // namespace

HandshakeRecords::Part HandshakeRecords::take(unsigned char byte) {
  if (in_header_ < kRecordHeader) return take_header(byte);
  bool skipped = skips_;
  if (--record_left_ == 0) {
    in_header_ = 0;
    change_cipher_ = skips_ = false;
  }
  if (!skipped) return Part::content;
  return byte == 1 ? Part::frame : Part::wrong;
}

// Type, version, length.
HandshakeRecords::Part HandshakeRecords::take_header(unsigned char byte) {
  bool right = true;
  switch (in_header_++) {
    case 0:
      skips_ = change_cipher_ && byte == kChangeCipher;
      right = skips_ || byte == kHandshake;
      break;
    case 1:
      right = byte == kMajorVersion;
      break;
    case 2:
      break;
    case 3:
      record_left_ = std::size_t{byte} << 8;
      break;
    default:
      record_left_ |= byte;
      // Records of handshakes have content.
      right = record_left_ > 0 && record_left_ <= (skips_ ? 1 : limits::kTlsRecordBytes);
  }
  return right ? Part::frame : Part::wrong;
}

}  // namespace banger::egress
