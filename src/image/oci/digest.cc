#include "image/oci/digest.h"

#include <fmt/format.h>

#include "base/text.h"
#include "host/files.h"

namespace banger::image::oci {

namespace {
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kSha256Digits = 64;
}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  auto colon = text.find(':');
  auto algorithm = text.substr(0, colon);
  if (colon == text.npos || algorithm.empty())
    return fail(ErrorCode::invalid, fmt::format("'{}' is not a digest", printable(text, 100)),
                "a digest is sha256: and 64 hexadecimal digits");
  if (algorithm != "sha256")
    return fail(ErrorCode::unsupported,
                fmt::format("banger knows no digests of the kind '{}'", printable(algorithm, 40)),
                "use a sha256 digest");
  auto hex = text.substr(colon + 1);
  if (hex.size() != kSha256Digits || hex.find_first_not_of(kHexDigits) != hex.npos)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not a digest", printable(text, 100)),
                "sha256: needs 64 digits of 0-9 and a-f behind it");
  return Digest(std::string(hex));
}

Digest Digest::of(std::string_view bytes) { return Digest(host::sha256_hex(bytes)); }

}  // namespace banger::image::oci
