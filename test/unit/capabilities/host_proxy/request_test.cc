// What guests may ask of the host's proxy.
#include "capabilities/host_proxy/request.h"

#include "catch.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

egress::HttpHead head_of(const std::string& text) {
  egress::HttpHeadParser parser;
  INFO(text);
  REQUIRE(parser.feed(text) == egress::HeadState::found);
  return parser.head();
}
egress::HttpHead tunnel_to(const std::string& host) {
  return head_of("CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
}

constexpr net::Ipv4 kOwn = 0x5db8d807;  // 93.184.216.7

ProxyReach reach(bool lan = false, bool link_local = false) {
  return {.lan = lan,
          .link_local = link_local,
          .is_own = [](net::Ipv4 address) { return address == kOwn; },
          .names_us = [](const std::string& name) { return name == "myhost"; }};
}
ErrorCode refusal(const egress::HttpHead& head, const ProxyReach& with = reach()) {
  auto checked = check_for_proxy(head, with);
  REQUIRE(!checked);
  return checked.error().code;
}

}  // namespace

TEST_CASE("host proxy: tunnels and plain requests pass, and nothing else") {
  CHECK(check_for_proxy(tunnel_to("a.org:443"), reach()));
  CHECK(check_for_proxy(head_of("GET http://a.org/x HTTP/1.1\r\nHost: a.org\r\n\r\n"), reach()));
  for (const char* text : {"GET / HTTP/1.1\r\nHost: a.org\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a.org\r\n\r\n",
                           "GET https://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
                           "TRACE http://a.org/ HTTP/1.1\r\nHost: a.org\r\nMax-Forwards: 0\r\n\r\n"})
    CHECK(refusal(head_of(text)) == ErrorCode::unsupported);
}

TEST_CASE("host proxy: no way leads to the host, nor to closed networks") {
  for (const char* host :
       {"127.0.0.1:22", "127.9.9.9:22", "0.0.0.0:22", "localhost:631", "LOCALHOST:631", "a.localhost:80", "myhost:22",
        "93.184.216.7:80", "10.1.2.3:80", "192.168.1.1:80", "169.254.169.254:80", "100.64.0.1:80", "172.16.0.1:80",
        "127.1:80", "0x7f000001:80", "2130706433:80", "[::1]:80", "[2001:db8::1]:80", "[::ffff:127.0.0.1]:80"}) {
    INFO(host);
    CHECK(refusal(tunnel_to(host)) == ErrorCode::denied);
  }
  CHECK(check_for_proxy(tunnel_to("93.184.216.8:80"), reach()));
  CHECK(refusal(head_of("GET http://127.0.0.1:631/ HTTP/1.1\r\nHost: 127.0.0.1:631\r\n\r\n")) == ErrorCode::denied);
}

TEST_CASE("host proxy: a guest that reaches the LAN, or link-local addresses, reaches them through the proxy too") {
  for (const char* host : {"10.1.2.3:80", "192.168.1.1:80", "100.64.0.1:80", "172.16.0.1:80"}) {
    INFO(host);
    CHECK(check_for_proxy(tunnel_to(host), reach(true)));
    CHECK(refusal(tunnel_to(host), reach(false, true)) == ErrorCode::denied);
  }
  CHECK(check_for_proxy(tunnel_to("169.254.169.254:80"), reach(false, true)));
  for (const char* host : {"127.0.0.1:22", "0.0.0.0:1", "93.184.216.7:80", "localhost:1", "224.0.0.1:1"})
    CHECK(refusal(tunnel_to(host), reach(true, true)) == ErrorCode::denied);
}

TEST_CASE("host proxy: the proxy gets the host's own authorization, and the guest's goes nowhere") {
  auto head = head_of(
      "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org\r\nProxy-Authorization: Basic Z3Vlc3Q=\r\nUser-Agent: x\r\n"
      "Content-Length: 7\r\nProxy-Connection: keep-alive\r\n\r\n");
  CHECK(
      head_for_proxy(head, "Basic aG9zdA==") ==
      "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\nUser-Agent: x\r\nProxy-Authorization: Basic aG9zdA==\r\n\r\n");
  CHECK(head_for_proxy(head, "") == "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\nUser-Agent: x\r\n\r\n");
}

TEST_CASE("host proxy: a plain request is the connection's only one, and cannot change the protocol") {
  auto head = head_of(
      "POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nConnection: keep-alive, upgrade\r\nUpgrade: h2c\r\n"
      "PROXY-authorization: Basic Z3Vlc3Q=\r\nKeep-Alive: 3\r\nTE: trailers\r\nContent-Length: 2\r\n\r\n");
  CHECK(head_for_proxy(head, "Basic aG9zdA==") ==
        "POST http://a.org/x HTTP/1.1\r\nHost: a.org\r\nContent-Length: 2\r\nProxy-Authorization: Basic aG9zdA==\r\n"
        "Connection: close\r\n\r\n");
  head = head_of("GET http://a.org/ HTTP/1.0\r\nHost: a.org\r\n\r\n");
  CHECK(head_for_proxy(head, "") == "GET http://a.org/ HTTP/1.0\r\nHost: a.org\r\nConnection: close\r\n\r\n");
}

TEST_CASE("host proxy: a tunnel of HTTP/1.0 needs no Host field, and the proxy gets one") {
  auto head = head_of("CONNECT a.org:443 HTTP/1.0\r\n\r\n");
  CHECK(check_for_proxy(head, reach()));
  CHECK(head_for_proxy(head, "") == "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\n\r\n");
  CHECK(refusal(head_of("CONNECT 127.0.0.1:443 HTTP/1.0\r\n\r\n")) == ErrorCode::denied);
}

TEST_CASE("host proxy: a refusal is an answer with a sentence") {
  auto answer = answer_of_relay(check_for_proxy(tunnel_to("127.0.0.1:22"), reach()).error());
  CHECK_THAT(answer,
             Catch::StartsWith("HTTP/1.1 403 Forbidden\r\n") &&
                 Catch::EndsWith("\r\n\r\nbanger: guests do not reach 127.0.0.1 through the host's proxy: it is "
                                 "in the loopback network\n"));
}
