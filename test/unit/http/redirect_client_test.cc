// Redirects between real servers.
#include "fixture.h"

using namespace banger;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

std::unique_ptr<test::Server> redirecting(std::string to, int status = 307) {
  return test::answering([to, status](auto&) { return response(status, "moved", "Location: " + to + "\r\n"); });
}

}  // namespace

TEST_CASE("redirect: is followed to its end, and credentials stay at their origin") {
  Fixture all;
  auto there = test::answering([](auto&) { return response(200, "there"); });
  auto here = redirecting(there->url("/signed?x=y"));
  auto request = Fixture::request(here->url());
  request.headers = {{"Authorization", "Bearer secret"}, {"Cookie", "c"}, {"Accept", "x/y"}};
  auto got = all.send(request);
  CHECK(text_of(got) == "200 there");
  CHECK(http::to_string(got->url) == there->url("/signed?x=y"));
  CHECK(here->requests().at(0).find("Authorization: Bearer secret") != std::string::npos);
  auto second = there->requests().at(0);
  CHECK(second.find("secret") == second.npos);
  CHECK(second.find("Cookie") == second.npos);
  CHECK(second.find("Accept: x/y") != second.npos);
}

TEST_CASE("redirect: at the same origin, credentials go along") {
  Fixture all;
  auto server = test::answering([](auto& request) {
    return request.starts_with("GET /b") ? response(200, "b") : response(302, "", "Location: b\r\n");
  });
  auto request = Fixture::request(server->url("/a"));
  request.headers = {{"Authorization", "Basic x"}};
  CHECK(text_of(all.send(request)) == "200 b");
  CHECK(server->requests().at(1).find("Authorization: Basic x") != std::string::npos);
  CHECK(server->connections() == 1);
}

TEST_CASE("redirect: can be shown instead of followed") {
  Fixture all;
  auto server = redirecting("file:///etc/passwd");
  auto request = Fixture::request(server->url());
  request.redirects = http::Redirects::show;
  CHECK(text_of(all.send(request)) == "307 moved");
}

TEST_CASE("redirect: a circle ends") {
  Fixture all;
  auto server = redirecting("/again");
  auto text = text_of(all.get(server->url()));
  CHECK(text.starts_with("denied: "));
  CHECK(text.ends_with("the server redirects more than 10 times"));
  CHECK(server->requests().size() == limits::kRedirects + 1);
}

TEST_CASE("redirect: another scheme is refused by name") {
  Fixture all;
  auto file = redirecting("file:///etc/passwd");
  auto text = text_of(all.get(file->url()));
  CHECK(text.starts_with("unsupported: 127.0.0.1:"));
  CHECK(text.find("the server redirects elsewhere: the scheme 'file:' is not supported") != text.npos);
  auto nonsense = redirecting("http://");
  CHECK(text_of(all.get(nonsense->url())).starts_with("invalid: "));
}

TEST_CASE("redirect: a server of this host may redirect to this host") {
  Fixture all;
  auto there = test::answering([](auto&) { return response(200, "there"); });
  auto here = redirecting("http://localhost:" + std::to_string(there->port()) + "/");
  CHECK(text_of(all.get(here->url())) == "200 there");
}

TEST_CASE("redirect: a server in the Internet must not redirect to this host or its networks") {
  Fixture all;
  auto inner = test::answering([](auto&) { return response(200, "secret"); });
  auto port = std::to_string(inner->port());
  all.dir.put("hosts", "127.0.0.1 rebound.example\n");
  // The proxy stands for the Internet.
  for (const auto& to :
       {"http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port,
        "http://rebound.example:" + port, std::string("http://169.254.169.254/"), std::string("http://10.0.0.1/")}) {
    auto proxy = redirecting(to);
    all.made.reset();
    all.options.proxy = {.https = "", .http = proxy->url(), .no_proxy = "rebound.example,10.0.0.1"};
    auto text = text_of(all.get("http://registry.example/"));
    INFO(to << ": " << text);
    CHECK(text.starts_with("denied: "));
    CHECK(text.find("a server in the Internet leads to ") != text.npos);
  }
  CHECK(inner->connections() == 0);
}

TEST_CASE("redirect: a caller that follows by itself keeps the limit of the first server") {
  Fixture all;
  auto inner = test::answering([](auto&) { return response(200, "secret"); });
  all.dir.put("hosts", "127.0.0.1 rebound.example\n");
  auto local = all.get(inner->url());
  REQUIRE(local);
  CHECK(local->leads == http::Within::anywhere);
  // A kept connection is no way around.
  for (const auto& to : {inner->url(), "http://rebound.example:" + std::to_string(inner->port()) + "/"}) {
    auto request = Fixture::request(to);
    request.within = http::Within::global_only;
    auto text = text_of(all.send(request));
    INFO(text);
    CHECK(text.starts_with("denied: "));
    CHECK(text.find("a server in the Internet leads to ") != text.npos);
  }
  CHECK(inner->requests().size() == 1);
  auto proxy = redirecting(inner->url());
  all.made.reset();
  all.options.proxy = {.https = "", .http = proxy->url(), .no_proxy = ""};
  auto shown = Fixture::request("http://registry.example/");
  shown.redirects = http::Redirects::show;
  auto first = all.send(shown);
  REQUIRE(first);
  CHECK(first->leads == http::Within::global_only);
}

TEST_CASE("redirect: a kept connection to this host is no way around") {
  Fixture all;
  auto inner = test::answering([](auto&) { return response(200, "secret"); });
  auto proxy = redirecting(inner->url());
  all.options.proxy = {.https = "", .http = proxy->url(), .no_proxy = ""};
  REQUIRE(text_of(all.get(inner->url())) == "200 secret");
  CHECK(text_of(all.get("http://registry.example/")).starts_with("denied: "));
  CHECK(inner->requests().size() == 1);
}
