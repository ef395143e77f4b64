#include "http/headers.h"

#include "catch.h"

using namespace banger;

TEST_CASE("headers: names are compared without case, and order is kept") {
  http::Headers headers{{"Link", "a"}, {"link", "b"}, {"Other", "c"}};
  CHECK(headers.get("LINK") == "a");
  CHECK(headers.all("Link") == std::vector<std::string>{"a", "b"});
  headers.set("LINK", "d");
  CHECK(headers.all("link") == std::vector<std::string>{"d"});
  headers.remove("link");
  CHECK(headers.find("Link") == nullptr);
  CHECK(headers.get("Link") == "");
  CHECK(headers.fields().size() == 1);
}

TEST_CASE("headers: a field that could end the head is refused, without its value") {
  CHECK(http::check({{"Accept", "a, b;q=1"}, {"X-Tab", "a\tb"}, {"X-Empty", ""}}).has_value());
  for (auto* name : {"", "a b", "a:", "a\r\nb", "\x80"}) CHECK_FALSE(http::check({{name, "v"}}).has_value());
  auto broken = http::check({{"Authorization", "secret\r\nHost: x"}});
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().code == ErrorCode::invalid);
  CHECK(broken.error().message == "the header Authorization has a control character");
}
