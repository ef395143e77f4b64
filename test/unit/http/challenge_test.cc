// WWW-Authenticate as registries write it, and as no server should.
#include "http/challenge.h"

#include "catch.h"
#include "http/bounds.h"

using namespace banger;
using http::Challenge;

namespace {

std::vector<Challenge> parsed(std::string_view text) {
  auto challenges = http::parse_challenges(text);
  INFO(text);
  REQUIRE(challenges.has_value());
  return *challenges;
}

}  // namespace

TEST_CASE("challenge: the bearer challenge of a registry") {
  auto all =
      parsed(R"(Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull")");
  REQUIRE(all.size() == 1);
  CHECK(all[0].scheme == "bearer");
  CHECK(*all[0].find("realm") == "https://auth.example/token");
  CHECK(*all[0].find("service") == "registry.example");
  CHECK(*all[0].find("scope") == "repository:a/b:pull");
  CHECK(all[0].find("error") == nullptr);
}

TEST_CASE("challenge: quotes, escapes, commas and blanks in values") {
  auto all = parsed("BASIC  Realm = \"a \\\"b\\\", c\\\\\" ,  charset=UTF-8");
  REQUIRE(all.size() == 1);
  CHECK(*all[0].find("realm") == "a \"b\", c\\");
  CHECK(*all[0].find("charset") == "UTF-8");
  CHECK(*parsed("Bearer realm=https://auth/token?x=y,service=s")[0].find("realm") == "https://auth/token?x=y");
  CHECK(*parsed("Basic realm=\"\"")[0].find("realm") == "");
}

TEST_CASE("challenge: several challenges in one header") {
  auto all = parsed(R"(Negotiate, Bearer realm="a", scope="b" , ,Basic realm="c", NTLM TlRM==, Digest)");
  REQUIRE(all.size() == 5);
  CHECK(all[0] == Challenge{"negotiate", "", {}});
  CHECK(all[1] == Challenge{"bearer", "", {{"realm", "a"}, {"scope", "b"}}});
  CHECK(all[2] == Challenge{"basic", "", {{"realm", "c"}}});
  CHECK(all[3] == Challenge{"ntlm", "TlRM==", {}});
  CHECK(all[4] == Challenge{"digest", "", {}});
  CHECK(http::find_challenge(all, "basic") == &all[2]);
  CHECK(http::find_challenge(all, "other") == nullptr);
  CHECK(parsed("").empty());
  CHECK(parsed(" , ").empty());
}

TEST_CASE("challenge: malformed and hostile headers are refused") {
  std::string many, parameters = "Bearer a=b";
  for (std::size_t i = 0; i <= limits::kChallenges; ++i) many += "Basic,";
  for (std::size_t i = 0; i <= limits::kChallengeParameters; ++i) parameters += ",p" + std::to_string(i) + "=v";
  for (const auto& text :
       {std::string("Bearer realm=\"open"), std::string("Bearer realm=\"a\\"), std::string("Bearer a=b,realm="),
        std::string("Bearer realm=\"a\"x"), std::string("Bearer realm=\"a\" scope=\"b\""), std::string("=a"),
        std::string("\"Bearer\""), std::string("Bearer a=b,A=c"), std::string("Bearer a=\"\n\""),
        std::string("Bearer\x01"), std::string(limits::kChallengeBytes + 1, 'a'), many, parameters}) {
    INFO(text);
    auto challenges = http::parse_challenges(text);
    REQUIRE_FALSE(challenges.has_value());
    CHECK(challenges.error().code == ErrorCode::invalid);
  }
}
