// Requests as they are on the wire.
#include "http/request_head.h"

#include "catch.h"

using namespace banger;

namespace {

http::Request request(std::string_view url, std::string method = "GET") {
  return {.url = http::parse_url(url).value(), .method = std::move(method)};
}

}  // namespace

TEST_CASE("request head: the client's own fields cannot be replaced") {
  auto put = request("https://[fd00::1]:5000/a?b", "PUT");
  put.body = "body";
  put.headers = {{"host", "other"},          {"content-length", "9"}, {"Transfer-Encoding", "chunked"},
                 {"Connection", "upgrade"},  {"Accept", "x"},         {"Proxy-Authorization", "secret"},
                 {"user-agent", "something"}};
  CHECK(http::request_head(put, "banger", {}) ==
        "PUT /a?b HTTP/1.1\r\nHost: [fd00::1]:5000\r\nAccept: x\r\nuser-agent: something\r\nContent-Length: 4\r\n\r\n");
}

TEST_CASE("request head: a request without a body has a length only where a body is usual") {
  auto has_length = [](const char* method) {
    auto head = http::request_head(request("https://h/", method), "banger", {});
    return head.find("Content-Length: 0\r\n") != head.npos;
  };
  for (auto* method : {"POST", "PUT", "PATCH"}) CHECK(has_length(method));
  for (auto* method : {"GET", "HEAD", "DELETE"}) CHECK_FALSE(has_length(method));
}

TEST_CASE("request head: a plain proxy gets the whole URL and its login") {
  CHECK(http::request_head(request("http://h/a"), "banger", http::Proxy{"p", 1, "Basic x"}) ==
        "GET http://h/a HTTP/1.1\r\nHost: h\r\nUser-Agent: banger\r\nProxy-Authorization: Basic x\r\n\r\n");
}

TEST_CASE("request head: a tunnel names the port always") {
  auto url = http::parse_url("https://[fd00::1]/secret").value();
  CHECK(http::tunnel_head(url, "banger", {}) ==
        "CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\nUser-Agent: banger\r\n\r\n");
}

TEST_CASE("request head: what would become another request is refused") {
  CHECK(http::check(request("https://h/")).has_value());
  for (auto* method : {"", "GET /", "CONNECT", "G\r\nX:"}) CHECK_FALSE(http::check(request("https://h/", method)));
  auto made = request("https://h/");
  made.url.target = "/ HTTP/1.1\r\nX: y";
  CHECK_FALSE(http::check(made));
  made = request("https://h/");
  made.url.host = "h\r\n";
  CHECK_FALSE(http::check(made));
  made = request("https://h/");
  made.headers = {{"X", "a\nb"}};
  CHECK_FALSE(http::check(made));
}
