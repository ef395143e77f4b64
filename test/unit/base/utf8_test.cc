// UTF-8: which bytes are text.
#include "base/utf8.h"

#include <nlohmann/json.hpp>
#include <string>

#include "base/json.h"
#include "catch.h"

using namespace banger;

namespace {

// The JSON parser has its own decoder, and refuses everything else.
bool json_carries(const std::string& text) { return parse_json("\"" + text + "\"", 100).has_value(); }

}  // namespace

TEST_CASE("utf8: agrees with the JSON parser on every pair of bytes, and on the edges of longer forms") {
  int different = 0;
  for (int first = 0x80; first < 0x100; ++first)
    for (int second = 0x20; second < 0x100; ++second) {
      if (second == '"' || second == '\\') continue;
      std::string pair{static_cast<char>(first), static_cast<char>(second)};
      for (const char* end : {"", "\x80", "\x80\x80", "\xbf\xbf", "\x80\x80\x80", "a"})
        different += is_utf8(pair + end) != json_carries(pair + end);
    }
  CHECK(different == 0);
}

TEST_CASE("utf8: the first character has its code point and its length") {
  auto first = [](std::string_view text) {
    auto [point, bytes] = first_character(text);
    return std::pair<unsigned, std::size_t>(point, bytes);
  };
  CHECK(first("ab") == std::pair(0x61u, std::size_t{1}));
  CHECK(first("\xc3\xa9x") == std::pair(0xe9u, std::size_t{2}));
  CHECK(first("\xe2\x82\xac") == std::pair(0x20acu, std::size_t{3}));
  CHECK(first("\xf4\x8f\xbf\xbf") == std::pair(0x10ffffu, std::size_t{4}));
  CHECK(first(std::string_view("\0", 1)) == std::pair(0u, std::size_t{1}));
  for (std::string_view broken : {"", "\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"})
    CHECK(first_character(broken).bytes == 0);
}
