#include "link/target.h"

#include "catch.h"
#include "link/link.h"

using namespace banger;
using namespace banger::link;

TEST_CASE("target: path and query are split, then decoded") {
  auto target = parse_target("/files%2Fx?path=%2Froot%2Fa%26b%3Fc&flag&a=b=c&&plus=1+1");
  REQUIRE(target);
  CHECK(target->path == "/files/x");
  CHECK(target->query == std::vector<std::pair<std::string, std::string>>{
                             {"path", "/root/a&b?c"}, {"flag", ""}, {"a", "b=c"}, {"plus", "1+1"}});
}

TEST_CASE("target: refuses broken escapes and NUL") {
  for (auto text : {"/%", "/%4", "/%zz", "/a%00b", "/?x=%f", "/?%00=1"}) {
    INFO(text);
    CHECK_FALSE(parse_target(text));
  }
}

TEST_CASE("target: any bytes survive encoding") {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  auto target = parse_target("/files?path=" + percent_encode(all));
  REQUIRE(target);
  CHECK(target->query[0].second == all);
  CHECK(percent_encode("/root/a b") == "/root/a%20b");
}

TEST_CASE("guest error: text is printable, bounded, and may be missing") {
  auto error = guest_error(403, R"({"code": "denied", "message": "no \u001b[31mway"})");
  CHECK(error.code == ErrorCode::denied);
  CHECK(error.message == "no \\x1b[31mway");
  CHECK(guest_error(404, "<html>").code == ErrorCode::not_found);
  CHECK(guest_error(418, "").code == ErrorCode::invalid);
  CHECK(guest_error(599, R"({"code": 7, "message": []})").code == ErrorCode::internal);
  CHECK(guest_error(500, R"({"code": "exists", "message": ")" + std::string(100'000, 'x') + "\"}").message.size() <
        5000);
}
