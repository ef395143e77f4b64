// Base64 with padding (RFC 4648, section 4): bytes inside JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger {

std::string to_base64(std::string_view bytes);

/// Strict: `invalid` on a foreign character (white space too), wrong padding or non-zero spare bits.
Result<std::string> from_base64(std::string_view text);

}  // namespace banger
