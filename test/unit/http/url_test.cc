// URLs as people, registries and attackers write them.
#include "http/url.h"

#include "catch.h"
#include "http/bounds.h"

using namespace banger;
using http::Url;

namespace {

Url parsed(std::string_view text) {
  auto url = http::parse_url(text);
  INFO(text);
  REQUIRE(url.has_value());
  return *url;
}

ErrorCode refused(std::string_view text) {
  auto url = http::parse_url(text);
  return url ? ErrorCode::internal : url.error().code;
}

std::string resolved(std::string_view base, std::string_view location) {
  auto url = http::resolve(parsed(base), location);
  return url ? http::to_string(*url) : url.error().message;
}

}  // namespace

TEST_CASE("url: the parts of a URL are found, and written again") {
  CHECK(parsed("https://Registry.Example/v2/a?b=c#d") == Url{"https", "registry.example", 443, "/v2/a?b=c"});
  CHECK(parsed("http://localhost:5000") == Url{"http", "localhost", 5000, "/"});
  CHECK(parsed("HTTP://[::0001]:81/x") == Url{"http", "::1", 81, "/x"});
  CHECK(parsed("https://host.?q") == Url{"https", "host", 443, "/?q"});
  CHECK(http::to_string(parsed("http://[::1]:80/x?y")) == "http://[::1]/x?y");
  CHECK(http::to_string(parsed("https://h:5000")) == "https://h:5000/");
  CHECK(http::host_and_port(parsed("https://h:443/")) == "h");
  CHECK(http::host_and_port(parsed("http://h:443/")) == "h:443");
}

TEST_CASE("url: only http and https are schemes, and others are named") {
  for (auto* text : {"file:///etc/passwd", "ftp://h/", "gopher:x", "localhost:5000/v2"})
    CHECK(refused(text) == ErrorCode::unsupported);
  CHECK(http::parse_url("file:///etc/passwd").error().message == "the scheme 'file:' is not supported");
  CHECK(refused("registry.example/v2") == ErrorCode::invalid);
}

TEST_CASE("url: a malformed URL is invalid") {
  for (auto* text : {"",
                     "https:",
                     "https:/h",
                     "https://",
                     "https:///path",
                     "https://:80/",
                     "https://h:0/",
                     "https://h:x/",
                     "https://h:65536/",
                     "https://h:-1/",
                     "https://a..b/",
                     "https://-a/",
                     "https://a b/",
                     "https://h/a b",
                     "https://h/\r\nX: y",
                     "https://h/\x80",
                     "https://[::1/",
                     "https://[127.0.0.1]/",
                     "https://[fe80::1%eth0]/",
                     "https://127.1/",
                     "https://0x7f.1/",
                     "https://2130706433/",
                     "https://1.2.3.4.5/",
                     "https://ex\xc3\xa4mple/"})
    CHECK(refused(text) == ErrorCode::invalid);
  CHECK(refused("https://h/" + std::string(limits::kUrlBytes, 'a')) == ErrorCode::invalid);
  CHECK(refused("https://" + std::string(300, 'a')) == ErrorCode::invalid);
}

TEST_CASE("url: a password in a URL is refused and not repeated") {
  auto url = http::parse_url("https://user:secret@host/");
  REQUIRE_FALSE(url.has_value());
  CHECK(url.error().sentence().find("secret") == std::string::npos);
}

TEST_CASE("url: a location is resolved against its base") {
  constexpr auto base = "https://h:5000/a/b?q";
  CHECK(resolved(base, "https://other/x") == "https://other/x");
  CHECK(resolved(base, "//other/x") == "https://other/x");
  CHECK(resolved(base, "/x?y") == "https://h:5000/x?y");
  CHECK(resolved(base, "c?d") == "https://h:5000/a/c?d");
  CHECK(resolved(base, "../c") == "https://h:5000/c");
  CHECK(resolved(base, "../../../c/./d/..") == "https://h:5000/c/");
  CHECK(resolved(base, "?z") == "https://h:5000/a/b?z");
  CHECK(resolved(base, "#f") == base);
  CHECK(resolved(base, "/x?a=b:c") == "https://h:5000/x?a=b:c");
  CHECK(resolved(base, "file:///etc/passwd") == "the scheme 'file:' is not supported");
  CHECK(resolved(base, "/a b").find("space") != std::string::npos);
}

TEST_CASE("url: an origin is scheme, host and port") {
  auto base = parsed("https://h/a");
  CHECK(http::same_origin(base, parsed("https://H:443/b")));
  for (auto* other : {"http://h:443/a", "https://h:444/a", "https://g/a"})
    CHECK_FALSE(http::same_origin(base, parsed(other)));
}
