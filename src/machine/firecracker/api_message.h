// Firecracker's API on the wire: requests into bytes, bytes into answers. Pure: no I/O, any bytes are safe. HTTP/1.1 as
// Firecracker's server speaks it: an empty reason phrase, no chunks, 204 without a length, and errors in three shapes.
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

/// `invalid` when Firecracker would refuse the request because of its length.
Result<std::string> to_bytes(const ApiRequest& request);

/// The error of a status of 400 or more, in Firecracker's own words where possible, made printable and cut.
/// `unsupported` for a field or path that this version does not know, `busy` when Firecracker has too many connections.
Error error_of(const ApiReply& reply);

/// Collects bytes into one answer, within limits::kFirecracker*Bytes.
class ReplyParser {
 public:
  /// Adds bytes that were read.
  void add(std::string_view bytes) { buffer_.append(bytes); }
  /// No more bytes follow: an answer without a length ends here.
  void end() { ended_ = true; }
  /// The answer, or nullopt when more bytes are needed. `invalid` when it is not HTTP, `exhausted` when it is too long,
  /// `unavailable` when it was cut short.
  Result<std::optional<ApiReply>> next();

 private:
  Result<bool> take_head();
  std::string buffer_;
  ApiReply reply_;
  std::optional<std::size_t> length_;  ///< length of the body; nullopt: the body ends with the connection
  bool in_body_ = false, ended_ = false;
};

}  // namespace banger::machine::firecracker
