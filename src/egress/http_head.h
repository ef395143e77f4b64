// The head of an HTTP/1 request, read as it arrives in pieces of any size (RFC 9112, RFC 9110). Pure. Any bytes are
// safe, and the result does not depend on how they are cut.
//
// The parser refuses whatever two servers may read in two ways, also where the RFC lets a server repair it. What passes
// means the same to everybody, so a request cannot hide another one. Lines end with CR LF and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "egress/host.h"

namespace banger::egress {

enum class TargetForm {
  origin,     ///< "/path"
  absolute,   ///< "http://host/path", as for a proxy
  authority,  ///< "host:443" of CONNECT
  asterisk,   ///< "*" of OPTIONS
};

/// How the end of the request's body is found.
enum class Framing { none, length, chunked };

struct HttpField {
  std::string name, value;  ///< as they were written, without the spaces around the value
  friend bool operator==(const HttpField&, const HttpField&) = default;
};

struct HttpHead {
  std::string method, target;
  TargetForm form = TargetForm::origin;
  int minor_version = 1;   ///< HTTP/1.0 or HTTP/1.1
  std::string scheme;      ///< lower case; only of an absolute target
  Host host;               ///< of the Host field; never invalid. CONNECT of HTTP/1.0 may have it in its target only
  std::uint16_t port = 0;  ///< of the Host field; 0: none was given
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;   ///< only of Framing::length
  std::vector<std::string> upgrades;  ///< the protocols of Upgrade fields, lower case: "websocket", "h2c"
  std::vector<HttpField> fields;      ///< all of them, in order
  friend bool operator==(const HttpHead&, const HttpHead&) = default;
};

enum class HeadState { need_more, found, refused };

/// Why a head is refused.
enum class HeadFault {
  none,
  too_large,          ///< limits::kRequestHeadBytes, kRequestLineBytes or kRequestFields
  line_end,           ///< CR or LF alone
  control_character,  ///< also a NUL
  request_line,       ///< not METHOD SP TARGET SP HTTP/1.0 or HTTP/1.1
  target,             ///< of no form, or of one that the method does not have
  folded_line,        ///< a line that continues a field (obs-fold)
  field_name,         ///< no token, or a space before the colon
  host_missing,
  host_twice,
  host_invalid,
  host_differs,       ///< from the target's host or port
  content_length,     ///< no number, or there twice, even with equal numbers
  transfer_encoding,  ///< other than one "chunked", or in HTTP/1.0
  both_lengths,       ///< Content-Length beside Transfer-Encoding
};
/// "the request has a space before the colon of a field".
std::string_view to_sentence(HeadFault fault);

class HttpHeadParser {
 public:
  /// Takes the next bytes of the client. Once the result is not `need_more`, it stays, and further bytes are not read.
  HeadState feed(std::string_view bytes);

  HeadState state() const { return state_; }
  HeadFault fault() const { return fault_; }
  /// Only once found.
  const HttpHead& head() const { return head_; }
  /// The length of the head with its empty line, once found. The bytes of a body begin there.
  std::size_t bytes() const { return bytes_; }

 private:
  HeadFault take(char byte);
  HeadFault take_line();

  HeadState state_ = HeadState::need_more;
  HeadFault fault_ = HeadFault::none;
  HttpHead head_;
  std::size_t bytes_ = 0;
  std::string line_;
  bool after_cr_ = false, has_request_line_ = false;
};

// The parts of the parser, for files of this folder.
HeadFault read_request_line(std::string_view line, HttpHead& head);
HeadFault read_field(std::string_view line, HttpHead& head);
/// Checks the fields together: host, target and the length of the body.
HeadFault finish_head(HttpHead& head);

}  // namespace banger::egress
