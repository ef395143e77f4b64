#include "image/oci/token.h"

#include "base/base64.h"
#include "catch.h"

using namespace banger;
using namespace image::oci;

namespace {

http::Challenge bearer(
    std::string_view header = R"(Bearer realm="https://auth.test/token?x=1",service="the registry")") {
  auto challenge = choose_challenge({{"WWW-Authenticate", std::string(header)}});
  REQUIRE(challenge);
  return *challenge;
}
const Reference kReference = *parse_reference("host:5000/team/app");

}  // namespace

TEST_CASE("registry login: bearer is taken before basic, and others are refused by name") {
  auto both = choose_challenge({{"WWW-Authenticate", "Basic realm=\"x\""}, {"WWW-Authenticate", "Bearer realm=\"y\""}});
  REQUIRE(both);
  CHECK(both->scheme == "bearer");
  CHECK_THAT(choose_challenge({{"WWW-Authenticate", "Digest realm=\"x\""}}).error().message,
             Catch::Matchers::Contains("of the kind 'digest'"));
  CHECK(choose_challenge({}).error().code == ErrorCode::denied);
}

TEST_CASE("registry login: a token is asked for with the scope of the repository") {
  auto request = token_request(bearer(), kReference, {});
  REQUIRE(request);
  CHECK(request->method == "GET");
  CHECK(request->url.target == "/token?x=1&service=the%20registry&scope=repository%3Ateam%2Fapp%3Apull");
  CHECK_FALSE(request->headers.find("Authorization"));
  auto given = token_request(bearer(R"(Bearer realm="https://auth.test/t",scope="a:b")"), kReference, {});
  REQUIRE(given);
  CHECK(given->url.target == "/t?scope=a%3Ab");
  CHECK_FALSE(token_request(bearer("Bearer realm=\"file:///etc/passwd\""), kReference, {}));
}

TEST_CASE("registry login: passwords go into a header, identity tokens into a form") {
  auto password = token_request(bearer(), kReference, {.username = "u", .password = "p:q", .identity_token = {}});
  REQUIRE(password);
  CHECK(password->headers.get("Authorization") == "Basic " + to_base64("u:p:q"));
  CHECK(password->url.target.ends_with("&account=u"));
  auto token = token_request(bearer(), kReference, {.username = {}, .password = {}, .identity_token = "a&b"});
  REQUIRE(token);
  CHECK(token->method == "POST");
  CHECK(token->url.target == "/token?x=1");
  CHECK(token->body ==
        "grant_type=refresh_token&client_id=banger&service=the%20registry&scope=repository%3Ateam%2Fapp%3Apull&"
        "refresh_token=a%26b");
}

TEST_CASE("registry login: tokens expire, and what cannot be sent is refused") {
  auto now = host::Clock::now();
  auto token = parse_token(R"({"access_token": "abc", "expires_in": 300})", now);
  REQUIRE(token);
  CHECK(token->authorization == "Bearer abc");
  CHECK(token->expires == now + std::chrono::seconds(290));
  CHECK(parse_token(R"({"token": "abc"})", now)->expires == now + std::chrono::seconds(50));
  CHECK(parse_token(R"({"token": "abc", "expires_in": 8})", now)->expires == now + std::chrono::seconds(4));
  CHECK(parse_token(R"({"token": "abc", "expires_in": 0})", now)->expires == now);
  CHECK(parse_token(R"({"token": "a", "expires_in": 99999999})", now)->expires < now + std::chrono::hours(2));
  for (auto* text : {"{}", "[]", "x", R"({"token": "a\r\nb"})", R"({"token": ""})", R"({"token": 1})"}) {
    INFO(text);
    CHECK_FALSE(parse_token(text, now));
  }
}
