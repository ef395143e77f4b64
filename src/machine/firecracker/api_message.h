// Firecracker's API on the wire: requests into bytes, bytes into answers. Pure; no I/O, any bytes are fine.
// HTTP/1.1 as its server speaks it: an empty reason phrase, no chunks, 204 without a length, and errors in three
// shapes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::machine::firecracker {

struct ApiRequest {
  std::string method;  ///< GET, PUT or PATCH
  std::string path;    ///< "/drives/disk0"
  std::string body;    ///< JSON; empty for GET
  bool operator==(const ApiRequest&) const = default;
};

struct ApiReply {
  int status = 0;
  std::string body;
};

/// `invalid` when Firecracker would refuse it for its length.
Result<std::string> to_bytes(const ApiRequest& request);

/// What went wrong, for a status of 400 or more, in Firecracker's own words where they can be made out: made printable
/// and cut. `unsupported` for a field or path this version does not know, `busy` when it has too many connections.
Error error_of(const ApiReply& reply);

/// Gathers bytes into one answer within limits::kFirecracker*Bytes.
class ReplyParser {
 public:
  /// Adds what was read.
  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// Nothing follows: an answer that did not say its length ends here.
  void end() { ended_ = true; }
  /// The answer, or nullopt when more bytes are needed. `invalid` when it is not HTTP, `exhausted` when it is too long,
  /// `unavailable` when it was cut short.
  Result<std::optional<ApiReply>> next();

 private:
  Result<bool> take_head();
  std::string buffer_;
  ApiReply reply_;
  std::optional<std::size_t> length_;  ///< of the body; none: until the end
  bool in_body_ = false, ended_ = false;
};

}  // namespace banger::machine::firecracker
