#include "image/catalog/signature.h"

#include "base/base64.h"
#include "base/text.h"
#include "host/ed25519.h"

namespace banger::image::catalog {

namespace {

/// What stands before the 32 bytes in a SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4).
constexpr std::string_view kDerPrefix{"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};

}  // namespace

Result<std::string> parse_public_key(std::string_view base64) {
  auto bytes = from_base64(trim(base64));
  if (bytes && bytes->starts_with(kDerPrefix)) bytes->erase(0, kDerPrefix.size());
  if (bytes && bytes->size() == host::kEd25519KeyBytes) return bytes;
  return fail(ErrorCode::invalid, "catalog_key is no Ed25519 public key in base64",
              "openssl pkey -in KEY -pubout -outform DER | base64 prints one");
}

Result<> check_signature(std::string_view key, std::string_view catalog, const std::optional<std::string>& signature) {
  if (!signature)
    return fail(ErrorCode::denied, "the catalog is not signed, and catalog_key demands a signature",
                "the signature belongs beside the catalog, with '.sig' behind its name");
  if (signature->size() != host::kEd25519SignatureBytes)
    return fail(ErrorCode::denied, "the catalog's signature has not the 64 bytes of an Ed25519 signature",
                "openssl pkeyutl -sign -rawin makes one");
  if (host::is_signed_by(key, catalog, *signature)) return {};
  return fail(ErrorCode::denied, "the catalog does not match its signature: it was altered, or another key signed it",
              "try again if it was just published; otherwise ask who publishes it");
}

}  // namespace banger::image::catalog
