// Signatures of catalogs: Ed25519, in a file of 64 bytes beside the catalog. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::image::catalog {

/// A raw Ed25519 public key from base64: of its 32 bytes, or of the DER form that `openssl pkey -pubout` writes.
Result<std::string> parse_public_key(std::string_view base64);

/// `denied` unless `signature` is the signature of `catalog` by the owner of the raw `key`. A missing signature is
/// nullopt.
Result<> check_signature(std::string_view key, std::string_view catalog, const std::optional<std::string>& signature);

}  // namespace banger::image::catalog
