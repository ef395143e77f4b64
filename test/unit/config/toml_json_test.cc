#include "config/toml_json.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using config::toml_to_json;

TEST_CASE("toml: tables, lists and plain values become JSON") {
  CHECK(*toml_to_json("", "x") == Json::object());
  auto json = toml_to_json(R"(a = "text"
b = [1, -2]
c = true
d = 1.5
"127.0.0.1" = ["x"]
[t]
u.v = "w"
[[l]]
n = 1
[[l]]
n = 2
)",
                           "x");
  REQUIRE(json);
  CHECK(*json == Json{{"a", "text"},
                      {"b", {1, -2}},
                      {"c", true},
                      {"d", 1.5},
                      {"127.0.0.1", {"x"}},
                      {"t", {{"u", {{"v", "w"}}}}},
                      {"l", {{{"n", 1}}, {{"n", 2}}}}});
}

TEST_CASE("toml: what is no JSON is refused with its line") {
  CHECK(toml_to_json("a = 1\nb = 2026-01-01\n", "c.toml").error().message.starts_with("c.toml:2: JSON has no dates"));
  CHECK(toml_to_json("a = 1\nb = \n", "c.toml").error().message.starts_with("c.toml:2: "));
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += ".a";
  CHECK(toml_to_json(deep + " = 1", "c.toml").error().message.ends_with(": the values are nested too deeply"));
  CHECK(toml_to_json(std::string(2 << 20, '#'), "c.toml").error().code == ErrorCode::exhausted);
}
