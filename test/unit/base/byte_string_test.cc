// Byte strings: any byte but NUL comes back as it was.
#include "base/byte_string.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;

namespace {

std::optional<std::string> through_json(std::string_view bytes) {
  auto text = encode_json(to_byte_string(bytes));
  if (!text) return std::nullopt;
  return from_byte_string(parse_json(*text, 1000).value_or(Json()));
}

}  // namespace

TEST_CASE("byte string: every byte survives JSON at every place") {
  for (int byte = 1; byte < 0x100; ++byte) {
    char c = static_cast<char>(byte);
    for (const auto& bytes : {std::string(1, c), std::string("a") + c, c + std::string("a"), std::string(3, c)}) {
      CAPTURE(byte);
      CHECK(through_json(bytes) == bytes);
    }
  }
  CHECK(through_json("") == "");
  CHECK(through_json("\xc3\xa9\xff") == "\xc3\xa9\xff");
}

TEST_CASE("byte string: text stays text, so that older readers understand it") {
  CHECK(to_byte_string("a \xc3\xa9\n") == Json("a \xc3\xa9\n"));
  CHECK(to_byte_string("\xff") == Json{{"base64", "/w=="}});
}

TEST_CASE("byte string: anything else is refused") {
  for (auto text : {"1", "null", "[]", "{}", R"({"base64": 1})", R"({"base64": "?"})", R"({"base64": "/w==", "x": 1})",
                    R"("a\u0000")", R"({"base64": "AA=="})"}) {
    INFO(text);
    CHECK_FALSE(from_byte_string(Json::parse(text)));
  }
  CHECK(find_bytes(Json{{"a", 1}}, "a").error().message == "field 'a' must be a byte string without NUL");
  CHECK(find_bytes(Json{{"a", nullptr}}, "a").value() == std::nullopt);
  CHECK(get_bytes(Json::object(), "a").error().message == "missing field 'a'");
}
