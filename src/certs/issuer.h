// Makes certificates for hosts when a guest connects to them, signed with an authority's key.
#pragma once

#include <memory>
#include <string>

#include "certs/authority.h"
#include "certs/session.h"

namespace banger::certs {

/// All certificates of one issuer have one key, which is made with it.
class Issuer {
 public:
  /// `invalid` for a key that is no P-256 key.
  static Result<Issuer> make(const Authority& authority);
  ~Issuer();
  Issuer(Issuer&&) noexcept;
  Issuer& operator=(Issuer&&) noexcept;

  /// A server's session with a certificate for that host, a canonical name. The client gets `protocol` by ALPN if it
  /// offers it, and none if `protocol` is empty. Certificates are used again for a day, at most limits::kLeafs of them.
  Result<Session> accept(const std::string& host, const std::string& protocol);

 private:
  struct Parts;
  explicit Issuer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace banger::certs
