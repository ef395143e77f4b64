// Which certificates servers outside may have. The certificates come as text, because the gate reads no files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "certs/session.h"

namespace banger::certs {

class Trust {
 public:
  /// `pem`: certificates of CAs, one after another; other text between them is skipped. `invalid` if there is none, or
  /// one is malformed.
  static Result<Trust> make(std::string_view pem);

  /// A client's session. It asks for that host, and takes only a certificate for it. It has no certificate of its own.
  Result<Session> connect(const std::string& host, const Protocols& protocols) const;

 private:
  explicit Trust(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace banger::certs
