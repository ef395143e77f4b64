#include "image/oci/registry.h"

#include "base/base64.h"
#include "catch.h"
#include "host/files.h"
#include "image/oci/fake_registry.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace image::oci;
using Catch::Matchers::Contains;

namespace {

constexpr std::string_view kLogin = R"({"auths": {"a.test": {"username": "u", "password": "secret"}}})";
const http::Headers kBearer{{"WWW-Authenticate", R"(Bearer realm="https://auth.test/token",service="a.test")"}};
const std::string kTag = "https://a.test/v2/app/manifests/latest";

struct Fixture {
  test::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  CredentialSources credentials{
      .env = [](const std::string&) { return std::nullopt; }, .home = dir.path(), .environment = {}};
  InsecureRegistries insecure;
  TokenCache tokens;

  Registry registry(std::string_view reference = "a.test/app") {
    return Registry({runtime, server, credentials, insecure, tokens}, *parse_reference(reference), cancel);
  }
  Result<Digest> resolve(std::string_view reference = "a.test/app") {
    auto one = registry(reference);
    return test::run(runtime, one.resolve());
  }
  std::string error(std::string_view reference = "a.test/app") {
    auto digest = resolve(reference);
    return digest ? "" : digest.error().sentence();
  }
  /// The registry answers only to this authorization.
  void require(const std::string& authorization, const http::Headers& challenge) {
    for (std::string method : {"HEAD ", "GET "})
      server.answers[method + kTag] = [=](const http::Request& request) {
        if (request.headers.get("Authorization") != authorization)
          return test::FakeRegistry::response(401, "", challenge);
        return test::FakeRegistry::response(200, "{}", {{"Docker-Content-Digest", Digest::of("{}").text()}});
      };
  }
};

}  // namespace

TEST_CASE("registry: a tag is resolved by HEAD, or by GET where the answer has no digest") {
  Fixture f;
  f.server.put("HEAD " + kTag, 200, "", {{"Docker-Content-Digest", Digest::of("x").text()}});
  CHECK(f.resolve() == Digest::of("x"));
  CHECK(f.server.asked() == std::vector<std::string>{"HEAD " + kTag});
  f.server.put("HEAD " + kTag, 405);
  f.server.put("GET " + kTag, 200, "document");
  CHECK(f.resolve() == Digest::of("document"));
  f.server.requests.clear();
  CHECK(f.resolve("a.test/app@" + Digest::of("y").text()) == Digest::of("y"));
  CHECK(f.server.requests.empty());
}

TEST_CASE("registry: a web page in place of a manifest has a hint") {
  Fixture f;
  f.server.put("HEAD " + kTag, 200, "", {{"Content-Type", "text/html"}});
  for (const auto& type : {"text/html; charset=utf-8", "application/octet-stream"}) {
    f.server.put("GET " + kTag, 200, "\n<!DOCTYPE html><title>Hello</title>", {{"Content-Type", type}});
    CHECK_THAT(f.error(), Contains("a.test sent a web page in place of a manifest (hint: the server may not be"));
  }
}

TEST_CASE("registry: one anonymous token serves all requests for a repository") {
  Fixture f;
  f.require("Bearer T", kBearer);
  auto token = "GET https://auth.test/token?service=a.test&scope=repository%3Aapp%3Apull";
  f.server.put(token, 200, R"({"token": "T", "expires_in": 300})");
  CHECK(f.error() == "");
  CHECK(f.error() == "");
  CHECK(f.server.count(token) == 1);
}

TEST_CASE("registry: a token that expires at once is sent all the same") {
  Fixture f;
  f.require("Bearer T", kBearer);
  auto token = "GET https://auth.test/token?service=a.test&scope=repository%3Aapp%3Apull";
  f.server.put(token, 200, R"({"token": "T", "expires_in": 0})");
  CHECK(f.error() == "");
  CHECK(f.server.requests.back().headers.get("Authorization") == "Bearer T");
}

TEST_CASE("registry: a login goes to the token server and never elsewhere") {
  Fixture f;
  f.dir.put(".docker/config.json", std::string(kLogin));
  f.require("Bearer T", kBearer);
  auto token = "GET https://auth.test/token?service=a.test&scope=repository%3Aapp%3Apull&account=u";
  f.server.put(token, 200, R"({"token": "T"})");
  CHECK(f.error() == "");
  for (const auto& request : f.server.requests) {
    bool basic = request.headers.get("Authorization").starts_with("Basic");
    CHECK(basic == (request.url.host == "auth.test"));
  }
  f.server.put(token, 401);
  f.tokens = {};
  auto refused = f.error();
  CHECK_THAT(refused, Contains("does not give a.test/app:latest to this login"));
  CHECK_THAT(refused, Contains("docker login a.test"));
  CHECK_THAT(refused, !Contains("secret"));
}

TEST_CASE("registry: an address that is no token server is not an error of the image") {
  Fixture f;
  f.require("Bearer T", kBearer);
  auto token = "GET https://auth.test/token?service=a.test&scope=repository%3Aapp%3Apull";
  for (int status : {404, 400, 405}) {
    f.server.put(token, status);
    auto error = f.error();
    CAPTURE(status, error);
    bool login = status == 400;  // OAuth2's refusal
    CHECK(error.contains("token server auth.test: it is no token server") == !login);
    CHECK(error.contains("registry a.test names a wrong address for logins (its realm)") == !login);
    CHECK_FALSE(error.contains("check the name and the tag"));
  }
}

TEST_CASE("registry: token servers without TLS or inside of this host's network get nothing") {
  Fixture f;
  f.dir.put(".docker/config.json", std::string(kLogin));
  f.require("Bearer T", {{"WWW-Authenticate", "Bearer realm=\"http://auth.test/token\""}});
  CHECK_THAT(f.error(), Contains("not encrypted"));
  f.require("Bearer T", {{"WWW-Authenticate", "Bearer realm=\"https://169.254.169.254/token\""}});
  CHECK_THAT(f.error(), Contains("inside of this host's network"));
  for (const auto& request : f.server.requests) CHECK(request.url.host == "a.test");
}

TEST_CASE("registry: basic logins are sent after the registry has asked") {
  Fixture f;
  f.require("Basic " + to_base64("u:secret"), {{"WWW-Authenticate", "Basic realm=\"x\""}});
  CHECK_THAT(f.error(), Contains("to somebody without a login"));
  f.dir.put(".docker/config.json", std::string(kLogin));
  CHECK(f.error() == "");
  f.require("Basic other", {{"WWW-Authenticate", "Basic realm=\"x\""}});
  auto refused = f.error();
  CHECK_THAT(refused, Contains("to this login"));
  CHECK_THAT(refused, !Contains("secret"));
}

TEST_CASE("registry: a login that changes or goes away leaves its basic authorization unused") {
  Fixture f;
  f.require("Basic " + to_base64("u:secret"), {{"WWW-Authenticate", "Basic realm=\"x\""}});
  f.dir.put(".docker/config.json", std::string(kLogin));
  CHECK(f.error() == "");
  CHECK(f.error() == "");
  CHECK(f.server.requests.back().method == "HEAD");
  CHECK(f.server.requests.size() == 3);  // only the first request was refused
  f.dir.put(".docker/config.json", R"({"auths": {"a.test": {"username": "u", "password": "other"}}})");
  CHECK_THAT(f.error(), Contains("to this login"));
  REQUIRE(host::remove_file(f.dir / ".docker/config.json"));
  f.server.requests.clear();
  CHECK_THAT(f.error(), Contains("to somebody without a login"));
  for (const auto& request : f.server.requests) CHECK_FALSE(request.headers.find("Authorization"));
}

TEST_CASE("registry: another login never uses an old token") {
  Fixture f;
  f.require("Bearer T", kBearer);
  f.dir.put(".docker/config.json", std::string(kLogin));
  std::string token = "GET https://auth.test/token?service=a.test&scope=repository%3Aapp%3Apull";
  f.server.put(token + "&account=u", 200, R"({"token": "T", "expires_in": 3000})");
  f.server.put(token, 401);
  CHECK(f.error() == "");
  REQUIRE(host::remove_file(f.dir / ".docker/config.json"));
  CHECK_THAT(f.error(), Contains("to somebody without a login"));
  f.dir.put(".docker/config.json", std::string(kLogin));
  CHECK(f.error() == "");
  CHECK(f.server.count(token + "&account=u") == 1);
}

TEST_CASE("registry: redirects lead to other servers without the authorization") {
  Fixture f;
  f.tokens.put("a.test/app", {}, {.authorization = "Bearer T"});
  auto config = Descriptor{Digest::of("blob"), 4};
  auto from = "GET https://a.test/v2/app/blobs/" + config.digest.text();
  f.server.put(from, 307, "", {{"Location", "https://storage.test/x?signed"}});
  f.server.put("GET https://storage.test/x?signed", 200, "blob");
  auto registry = f.registry();
  auto fetched = test::run(f.runtime, registry.blob(config, "config"));
  REQUIRE(fetched);
  CHECK(*fetched == "blob");
  REQUIRE(f.server.requests.size() == 2);
  CHECK(f.server.requests[0].headers.get("Authorization") == "Bearer T");
  CHECK(f.server.requests[1].headers.get("Authorization") == "");
  for (const auto& [target, expected] : std::initializer_list<std::pair<std::string, std::string>>{
           {"file:///etc/passwd", "'file:' is not supported"},
           {"https://10.0.0.1/x", "inside of this host's network"},
           {"http://storage.test/x", "not encrypted"},
           {to_string(f.server.requests[0].url), "redirects in a circle"}}) {
    f.server.put(from, 307, "", {{"Location", target}});
    auto refused = test::run(f.runtime, registry.blob(config, "config"));
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().sentence(), Contains(expected));
  }
}

TEST_CASE("registry: a registry in the Internet leads to no address of this host's networks") {
  Fixture f;
  // The names in the URLs tell nothing. Only the connection knows the addresses.
  for (auto leads : {http::Within::global_only, http::Within::anywhere}) {
    f.server.requests.clear();
    f.server.answers["HEAD " + kTag] = [=](const http::Request& request) {
      bool known = request.headers.find("Authorization") != nullptr;
      auto answer = known ? test::FakeRegistry::response(307, "", {{"Location", "https://storage.test/x"}})
                          : test::FakeRegistry::response(401, "", kBearer);
      answer.leads = leads;
      return answer;
    };
    f.tokens = {};
    f.server.put("GET https://auth.test/token?service=a.test&scope=repository%3Aapp%3Apull", 200, R"({"token": "T"})");
    f.server.put("HEAD https://storage.test/x", 200, "", {{"Docker-Content-Digest", Digest::of("x").text()}});
    CHECK(f.error() == "");
    REQUIRE(f.server.requests.size() == 4);
    CHECK(f.server.requests[0].within == http::Within::anywhere);
    CHECK(f.server.requests[1].within == leads);  // the token server
    CHECK(f.server.requests[2].within == http::Within::anywhere);
    CHECK(f.server.requests[3].within == leads);  // the storage
  }
}

TEST_CASE("registry: a server behind a redirect cannot ask for the login") {
  Fixture f;
  f.dir.put(".docker/config.json", std::string(kLogin));
  auto config = Descriptor{Digest::of("blob"), 4};
  f.server.put("GET https://a.test/v2/app/blobs/" + config.digest.text(), 307, "",
               {{"Location", "https://storage.test/x"}});
  f.server.put("GET https://storage.test/x", 401, "", {{"WWW-Authenticate", "Bearer realm=\"https://thief.test/t\""}});
  auto registry = f.registry();
  CHECK(test::run(f.runtime, registry.blob(config, "config")).error().code == ErrorCode::denied);
  CHECK(f.server.requests.size() == 2);
}

TEST_CASE("registry: content that does not match its digest is corrupt") {
  Fixture f;
  auto registry = f.registry();
  auto digest = Digest::of("good");
  f.server.put("GET https://a.test/v2/app/manifests/" + digest.text(), 200, "bad!");
  CHECK(test::run(f.runtime, registry.document(digest)).error().code == ErrorCode::corrupt);
  f.server.put("GET https://a.test/v2/app/blobs/" + digest.text(), 200, "bad!");
  CHECK(test::run(f.runtime, registry.blob({digest, 4}, "config")).error().code == ErrorCode::corrupt);
}

TEST_CASE("registry: only registries that may be plain are asked without TLS") {
  Fixture f;
  auto plain = "HEAD http://localhost:5000/v2/app/manifests/latest";
  f.server.put(plain, 200, "", {{"Docker-Content-Digest", Digest::of("x").text()}});
  CHECK(f.error("localhost:5000/app") == "");
  f.server.answers.clear();
  f.server.put("HEAD http://b.test/v2/app/manifests/latest", 200, "",
               {{"Docker-Content-Digest", Digest::of("x").text()}});
  CHECK_THAT(f.error("b.test/app"), Contains("connection refused"));
  f.insecure = {"b.test"};
  CHECK(f.error("b.test/app") == "");
}

TEST_CASE("registry: each refusal says what to do") {
  Fixture f;
  struct Case {
    int status;
    http::Headers headers;
    std::string expected;
  };
  for (const auto& [status, headers, expected] :
       {Case{403, {}, "forbids access to a.test/app:latest: no luck (hint: check the name; if the image is private"},
        {404, {}, "registry a.test has no a.test/app:latest: no luck (hint: check the name and the tag)"},
        {429, {{"Retry-After", "30"}}, "allows no more requests now: no luck (hint: wait 30 seconds, or log in"},
        {503, {}, "registry a.test failed: 503 Service Unavailable: no luck (hint: try again later"},
        {418, {}, "answered 418"}}) {
    auto body = R"({"errors": [{"code": "X", "message": "no luck"}]})";
    for (std::string method : {"HEAD ", "GET "}) f.server.put(method + kTag, status, body, headers);
    CHECK_THAT(f.error(), Contains(expected));
  }
}
