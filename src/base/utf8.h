// UTF-8 (RFC 3629). JSON can carry no other text.
#pragma once

#include <cstddef>
#include <string_view>

namespace banger {

struct Utf8Character {
  char32_t point = 0;
  std::size_t bytes = 0;  ///< 0: the text does not begin with a character of UTF-8
};
/// The first character. Refuses overlong forms, surrogates and everything above U+10FFFF.
Utf8Character first_character(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace banger
