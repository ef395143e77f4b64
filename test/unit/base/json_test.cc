// Untrusted JSON: limits hold, nothing throws, and errors of typed access name the field.
#include "base/json.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "catch.h"

using namespace banger;

namespace {
std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}
}  // namespace

TEST_CASE("json: depth up to the limit is read, one more is refused") {
  CHECK(parse_json(nested(limits::kJsonDepth), 1 << 20));
  auto deep = parse_json(nested(limits::kJsonDepth + 1), 1 << 20);
  REQUIRE_FALSE(deep);
  CHECK(deep.error().message.find("nested deeper than 32") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 1000; ++i) objects += "{\"a\":";
  CHECK(parse_json(objects, 1 << 20).error().code == ErrorCode::invalid);
  CHECK(parse_json(std::string(1 << 20, '['), 1 << 20).error().code == ErrorCode::invalid);
}

TEST_CASE("json: brackets in strings are no nesting") {
  for (const auto& text :
       {"\"" + std::string(100, '[') + "\"", std::string(R"(["\"[", "\\", "]"])"), std::string(R"({"\\\"{": "[["})")}) {
    INFO(text);
    CHECK(parse_json(text, 1000));
  }
  CHECK_FALSE(parse_json(R"(["\\",)" + nested(limits::kJsonDepth) + "]", 1000));
}

TEST_CASE("json: a long list of objects is read in one pass") {
  std::string text = "[{}";
  for (int i = 1; i < 300'000; ++i) text += ",{}";
  CHECK(parse_json(text + "]", 1 << 20)->size() == 300'000);
}

TEST_CASE("json: a document whose keys must be unique has none twice in one object") {
  for (std::string_view text : {R"({"a":1,"a":1})", R"([{"b":{"a":[],"a":{}}}])", R"({"a":1,"\u0061":2})"}) {
    INFO(text);
    CHECK(parse_json(text, 100));
    auto parsed = parse_unique_json(text, 100);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message == "field 'a' is there twice");
  }
  std::string_view fine = R"({"a":{"a":[{"a":1},{"a":null}]},"b":[1,-2,0.5,true,"a"]})";
  CHECK(parse_unique_json(fine, 100).value() == parse_json(fine, 100).value());
  CHECK_FALSE(parse_unique_json("{", 100));
  CHECK_FALSE(parse_unique_json(fine, 10));
}

TEST_CASE("json: size is checked before anything is read") {
  CHECK(parse_json("[1]", 3));
  CHECK(parse_json("[1]", 2).error().message.find("over the limit of 2") != std::string::npos);
}

TEST_CASE("json: anything but one document is invalid, and never an exception") {
  for (std::string_view text :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "01", "1 2", "\"\xff\"", "\"\\ud800\"", "1e999", "'a'", "// c\n1"})
    CHECK(parse_json(text, 100).error().code == ErrorCode::invalid);
  CHECK(parse_json(std::string_view(), 100).error().code == ErrorCode::invalid);
  CHECK(parse_json(std::string_view("\0", 1), 100).error().code == ErrorCode::invalid);
}

TEST_CASE("json: fields are typed; missing and null give no value, another type is an error") {
  auto object = *parse_json(
      R"({"s":"x","i":-3,"b":true,"n":null,"big":18446744073709551615,"f":1.5,"l":["a","b"],"m":["a",1]})", 1000);
  CHECK(get_string(object, "s") == "x");
  CHECK(get_int(object, "i") == -3);
  CHECK(get_bool(object, "b") == true);
  CHECK_FALSE(find_string(object, "n").value());
  CHECK_FALSE(find_int(object, "absent").value());
  CHECK(get_string(object, "n").error().message == "missing field 'n'");
  CHECK(get_string(object, "i").error().message == "field 'i' must be a string");
  CHECK(find_int(object, "s").error().message == "field 's' must be a whole number");
  CHECK(find_int(object, "f").error().code == ErrorCode::invalid);
  CHECK(find_int(object, "big").error().message == "field 'big' must be below 2^63");
  CHECK(find_bool(object, "i").error().message == "field 'i' must be true or false");
  CHECK(find_strings(object, "l") == std::vector<std::string>{"a", "b"});
  CHECK(find_strings(object, "absent")->empty());
  CHECK(find_strings(object, "m").error().message == "field 'm' must be a list of strings");
  CHECK(find_strings(object, "s").error().code == ErrorCode::invalid);
  CHECK_FALSE(get_string(Json::array({1}), "s"));
}

TEST_CASE("json: an unknown field is named with the nearest known one") {
  CHECK(only_keys(*parse_json(R"({"name":1})", 100), {"name", "image"}));
  auto unknown = only_keys(*parse_json(R"({"nmae":1})", 100), {"name", "image"});
  CHECK(unknown.error().sentence() == "unknown field 'nmae' (hint: did you mean 'name'?)");
  CHECK(only_keys(*parse_json(R"({"imag":1})", 100), {"name", "image"}).error().hint == "did you mean 'image'?");
  CHECK(only_keys(Json::array(), {"a"}).error().code == ErrorCode::invalid);
}

TEST_CASE("json: data that is not UTF-8 is refused with its place") {
  auto refusal = [](const Json& value) { return encode_json(value).error().message; };
  CHECK(encode_json(Json{{"a", {"x\xc3\xa9", 1, nullptr}}}) == "{\"a\":[\"x\xc3\xa9\",1,null]}");
  CHECK(refusal(Json("\xff")) == "the value is not UTF-8 text");
  CHECK(refusal(Json{{"name", "x\xff"}}) == "'name' is not UTF-8 text");
  CHECK(refusal(Json{{"names", {"a", "\xc3"}}}) == "'names[1]' is not UTF-8 text");
  CHECK(refusal(Json{{"environment", {{"A", "\xed\xa0\x80"}}}}) == "'environment.A' is not UTF-8 text");
  CHECK(refusal(Json{{"environment", {{"\xff", "a"}}}}) == "'environment' is not UTF-8 text");
}

TEST_CASE("json: text for people that is not UTF-8 is replaced and does not throw") {
  Json value = {{"a", "x\xff"}};
  CHECK(dump_json(value) == "{\"a\":\"x\xef\xbf\xbd\"}");
  CHECK(dump_json_pretty(Json{{"a", 1}}) == "{\n  \"a\": 1\n}");
}
