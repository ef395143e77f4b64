#include "base/utf8.h"

#include <array>

namespace banger {

Utf8Character first_character(std::string_view text) {
  // The least code point for each length: a smaller one has a shorter form.
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (text.empty()) return {};
  auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  std::size_t length = first >= 0xf8 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t point = first & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    point = point << 6 | (next & 0x3f);
  }
  bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < kLeast[length] || surrogate || point > 0x10ffff) return {};
  return {point, length};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto character = first_character(text);
    if (character.bytes == 0) return false;
    text.remove_prefix(character.bytes);
  }
  return true;
}

}  // namespace banger
