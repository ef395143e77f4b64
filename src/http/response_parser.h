// The bytes of one HTTP/1.1 response, read by the library http-parser. No sockets. Informational responses (1xx) before
// the response are skipped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"

namespace banger::http {

enum class Expect {
  body,
  no_body,  ///< the response to HEAD: its length is that of a body which does not follow
  tunnel,   ///< the response to CONNECT: after 2xx, the bytes of another protocol follow
};

class ResponseParser {
 public:
  explicit ResponseParser(Expect expect);
  ~ResponseParser();

  /// Takes the next bytes of the connection. `corrupt` for what is no HTTP, `exhausted` for a head beyond
  /// limits::kHttpHeadBytes or kHttpFields. Bytes after the end of the response only make it not reusable().
  Result<> feed(std::string_view bytes);
  /// The server has closed the connection. `unavailable` when the response is not complete.
  Result<> end();

  bool head_done() const;
  bool done() const;
  /// Whether the connection can carry another request. Only once done().
  bool reusable() const;
  /// Whether only the end of the connection ended the body. Only once done().
  bool closed() const;

  // Only once head_done().
  int status() const;  ///< 200..599
  Headers take_headers();
  std::optional<std::uint64_t> content_length() const;

  /// The bytes of the body since the last call.
  std::string take_body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banger::http
