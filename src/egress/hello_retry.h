// Whether a TLS server asks for a second ClientHello (HelloRetryRequest: RFC 8446, section 4.1.4). The second one has a
// name again, and some servers use that one. Pure; the server's bytes come in pieces of any size.
#pragma once

#include <string>
#include <string_view>

#include "egress/tls_records.h"

namespace banger::egress {

enum class RetryState {
  need_more,
  retry,  ///< the client's next handshake message is a second ClientHello
  none,   ///< any other answer
};

class HelloRetryParser {
 public:
  /// Takes the next bytes of the server. Once the result is not `need_more`, it stays.
  RetryState feed(std::string_view bytes);
  RetryState state() const { return state_; }

 private:
  RetryState take(unsigned char byte);

  RetryState state_ = RetryState::need_more;
  HandshakeRecords records_{Flight::first};
  std::string message_;
};

}  // namespace banger::egress
