// The records of a TLS connection before it is encrypted (RFC 8446, section 5.1), byte by byte. Pure.
#pragma once

#include <cstddef>

namespace banger::egress {

/// Whose records, and when.
enum class Flight {
  first,        ///< the first bytes of a connection: only handshake records
  after_retry,  ///< of the client after HelloRetryRequest: one ChangeCipherSpec may come before (RFC 8446, D.4)
};

class HandshakeRecords {
 public:
  enum class Part {
    frame,    ///< the byte belongs to a record's header, or to a ChangeCipherSpec
    content,  ///< the byte belongs to a handshake message
    wrong,    ///< the record is of another type, empty, or too long
  };

  explicit HandshakeRecords(Flight flight) : change_cipher_(flight == Flight::after_retry) {}

  /// REQUIRES: no earlier call has returned `wrong`.
  Part take(unsigned char byte);
  /// Whether the last byte has ended a record.
  bool at_border() const { return in_header_ == 0; }

 private:
  Part take_header(unsigned char byte);

  bool change_cipher_;           ///< the next record may be one
  bool skips_ = false;           ///< this record is one
  std::size_t in_header_ = 0;    ///< bytes of the record's header that were read
  std::size_t record_left_ = 0;  ///< bytes of the record's content that follow
};

}  // namespace banger::egress
