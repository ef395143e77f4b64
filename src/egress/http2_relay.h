// Stands between the HTTP/2 connection of a guest and the one to a host outside (RFC 9113). TLS is ended by others.
// Pure: bytes in, bytes out. Any bytes of both sides are safe.
//
// Each stream of the guest becomes a stream outside. Requests pass a hook first. Bodies, informational responses,
// trailers, resets, PING and GOAWAY pass in meaning. A flow-control window opens again when the other side has taken
// the bytes. Each stream has its own window, so no stream stops another one. There is no server push, and priorities
// end here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "egress/http_head.h"
#include "egress/openings.h"

namespace banger::egress {

/// An answer to the guest in the place of the host's. The host never sees the request.
struct Http2Refusal {
  int status = 403;
  std::string text;  ///< one line for a person
};

/// Sees the fields of each request, pseudo-header fields first. It may change values. A changed value is never put into
/// a compression table (RFC 7541, section 7.1.3). The hook must not call the relay, and must not throw.
using Http2Hook = std::function<std::optional<Http2Refusal>(std::vector<HttpField>& fields)>;

class Http2Core;

class Http2Relay {
 public:
  explicit Http2Relay(Http2Hook hook);
  ~Http2Relay();
  Http2Relay(const Http2Relay&) = delete;
  Http2Relay& operator=(const Http2Relay&) = delete;

  // Each of these calls can change all that can be asked below, for both sides.

  /// Takes what a side has sent. Bytes that came although the side was not wanted wait in memory.
  void feed_guest(std::string_view bytes, Instant now);
  void feed_outside(std::string_view bytes, Instant now);
  /// The side has ended, or cannot be written to. The other side learns it when it has got what was on its way.
  void end_guest();
  void end_outside();
  /// The next bytes for a side. Empty: none now. Belongs after the earlier bytes are written: who takes makes room.
  std::string take_for_guest();
  std::string take_for_outside();

  /// Whether to read from the side now.
  bool wants_guest() const;
  bool wants_outside() const;
  /// The connection has ended. What take_for_guest() and take_for_outside() still have is to be written, no more.
  bool over() const;
  /// Why the connection has ended early, as a clause for the log: "the guest resets too many requests". Empty for an
  /// ordinary end. Contains no bytes of the peers.
  const std::string& fault() const;
  /// Streams that are open.
  std::size_t streams() const;

 private:
  std::unique_ptr<Http2Core> core_;
};

}  // namespace banger::egress
