// The ClientHello of a TLS connection, read as it arrives in pieces of any size. Pure. Nothing is decrypted. Any bytes
// are safe, and the result does not depend on how they are cut.
// Sources: RFC 8446 (4.1.2, 5.1), RFC 6066 (3), RFC 7301 (3.1), draft-ietf-tls-esni.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "egress/host.h"
#include "egress/tls_records.h"

namespace banger::egress {

/// What the server_name extension has.
enum class SniKind {
  none,     ///< there is no such extension
  name,     ///< one host name
  address,  ///< an address, which the RFC forbids
  several,  ///< more than one name, which the RFC forbids
  invalid,  ///< no host name
};

struct ClientHello {
  SniKind kind = SniKind::none;
  std::string sni = {};                      ///< canonical (host.h); only of SniKind::name
  std::vector<std::string> protocols = {};   ///< of ALPN, in the client's order; bytes
  std::vector<std::uint16_t> versions = {};  ///< 0x0304 is TLS 1.3; the oldest form has one version
  bool encrypted = false;  ///< has Encrypted Client Hello (0xfe0d), also a made-up one (GREASE), or the older ESNI
  friend bool operator==(const ClientHello&, const ClientHello&) = default;
};

enum class HelloState {
  need_more,
  found,
  not_tls,    ///< the first bytes are no TLS handshake
  malformed,  ///< TLS, but no sound ClientHello at its beginning
  too_large,  ///< more than limits::kClientHelloBytes
};

class ClientHelloParser {
 public:
  /// `flight`: which of the client's ClientHellos this is.
  explicit ClientHelloParser(Flight flight = Flight::first) : records_(flight), flight_(flight) {}

  /// Takes the next bytes of the client. Once the result is not `need_more`, it stays, and further bytes are not read.
  HelloState feed(std::string_view bytes);

  HelloState state() const { return state_; }
  /// Only once found.
  const ClientHello& hello() const { return hello_; }
  /// The bytes from the beginning to the end of the last record that was read.
  std::size_t bytes() const { return bytes_; }

 private:
  HelloState take(unsigned char byte);
  HelloState take_content(unsigned char byte);

  HelloState state_ = HelloState::need_more;
  ClientHello hello_;
  std::size_t bytes_ = 0;
  HandshakeRecords records_;
  Flight flight_;
  std::size_t message_size_ = 0;  ///< with its header; 0 until that is known
  std::string message_;           ///< the handshake message so far
};

/// Parses the body of a ClientHello, without the header of its message. False when it is malformed.
bool read_client_hello(std::string_view body, ClientHello& hello);

}  // namespace banger::egress
