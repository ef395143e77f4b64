// Digests of content, as OCI writes them: "sha256:" and 64 hexadecimal digits. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image::oci {

class Digest {
 public:
  /// `invalid` for malformed text, `unsupported` for algorithms other than SHA-256.
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view bytes);
  /// REQUIRES: `hex` has 64 lower-case digits.
  static Digest of_hex(std::string hex) { return Digest(std::move(hex)); }

  const std::string& hex() const { return hex_; }
  std::string text() const { return "sha256:" + hex_; }
  /// The first 12 digits, for people.
  std::string brief() const { return hex_.substr(0, 12); }

  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

}  // namespace banger::image::oci
