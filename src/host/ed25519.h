// Ed25519 signatures (RFC 8032), checked and never made.
#pragma once

#include <cstddef>
#include <string_view>

namespace banger::host {

inline constexpr std::size_t kEd25519KeyBytes = 32, kEd25519SignatureBytes = 64;

/// Whether `signature` is the signature of `message` by the owner of the raw public `key`. False for a key or a
/// signature of another length too.
bool is_signed_by(std::string_view key, std::string_view message, std::string_view signature);

}  // namespace banger::host
