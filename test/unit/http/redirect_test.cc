// What a redirect keeps of a request, and what not.
#include "http/redirect.h"

#include "catch.h"

using namespace banger;

namespace {

http::Request request(std::string_view url, std::string method = "GET", http::Plain plain = http::Plain::refused) {
  http::Request made{.url = http::parse_url(url).value(), .method = std::move(method), .plain = plain};
  made.headers = {{"authorization", "Bearer secret"}, {"Cookie", "c"}, {"Accept", "x"}, {"Content-Type", "t"}};
  made.body = "body";
  return made;
}

http::Response response(int status, std::string location) {
  return {.status = status, .headers = {{"location", std::move(location)}}, .body = "", .url = {}};
}

}  // namespace

TEST_CASE("redirect: needs a status and a location") {
  for (int status : {301, 302, 303, 307, 308}) CHECK(http::is_redirect(response(status, "/x")));
  for (int status : {200, 202, 300, 304, 404}) CHECK_FALSE(http::is_redirect(response(status, "/x")));
  CHECK_FALSE(http::is_redirect(http::Response{.status = 302, .headers = {}, .body = "", .url = {}}));
}

TEST_CASE("redirect: credentials stay at their origin") {
  auto same = http::redirected(request("https://h/a"), response(307, "/b")).value();
  CHECK(same.url.target == "/b");
  CHECK(same.headers.get("Authorization") == "Bearer secret");
  for (auto* to : {"https://other/b", "https://h:444/b", "//h.example/b"}) {
    auto next = http::redirected(request("https://h/a"), response(307, to)).value();
    CHECK_FALSE(next.headers.find("Authorization"));
    CHECK_FALSE(next.headers.find("Cookie"));
    CHECK(next.headers.get("Accept") == "x");
    // And they do not come back with the way back.
    CHECK_FALSE(http::redirected(next, response(307, "https://h/a")).value().headers.find("Authorization"));
  }
}

TEST_CASE("redirect: never leads from https to http, nor to other schemes") {
  auto plain = http::Plain::allowed;
  auto down = http::redirected(request("https://h/a", "GET", plain), response(302, "http://h/a"));
  REQUIRE_FALSE(down.has_value());
  CHECK(down.error().code == ErrorCode::denied);
  CHECK(http::redirected(request("http://h/a", "GET", plain), response(302, "http://g/a")).has_value());
  CHECK(http::redirected(request("http://h/a"), response(302, "http://g/a")).error().code == ErrorCode::denied);
  auto file = http::redirected(request("https://h/a"), response(302, "file:///etc/passwd"));
  CHECK(file.error().message == "the server redirects elsewhere: the scheme 'file:' is not supported");
}

TEST_CASE("redirect: the method and the body follow the status") {
  auto method = [](int status, const char* of) {
    auto next = http::redirected(request("https://h/a", of), response(status, "/b")).value();
    return next.method + (next.body.empty() ? "" : "+body");
  };
  CHECK(method(303, "PUT") == "GET");
  CHECK(method(302, "POST") == "GET");
  CHECK(method(301, "PUT") == "PUT+body");
  CHECK(method(307, "POST") == "POST+body");
  CHECK(method(308, "PATCH") == "PATCH+body");
  CHECK(method(303, "HEAD") == "HEAD+body");
}
