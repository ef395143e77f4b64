// Requests of HTTP/2 inside TLS that the proxy has ended.
#include "catch.h"
#include "egress/verdict.h"

using namespace banger;
using namespace banger::egress;

namespace {

using Fields = std::vector<HttpField>;

Reason judge(const Fields& fields, std::uint16_t port = 443) {
  return judge_inside_tls("a.org", {0x5db8d822, port}, fields).reason;
}

Fields get(const std::string& authority, const std::string& scheme = "https", const std::string& path = "/x") {
  return {{":method", "GET"}, {":scheme", scheme}, {":authority", authority}, {":path", path}};
}

Fields with(Fields fields, const HttpField& more) {
  fields.push_back(more);
  return fields;
}

}  // namespace

TEST_CASE("http2 verdict: the authority is the connection's own name") {
  CHECK(judge(get("a.org")) == Reason::allowed);
  CHECK(judge(get("A.org.:443")) == Reason::allowed);
  CHECK(judge(get("b.org")) == Reason::names_differ);
  CHECK(judge(get("93.184.216.34")) == Reason::names_differ);
  CHECK(judge(get("x@a.org")) == Reason::not_http);
  CHECK(judge(get("a.org/x")) == Reason::not_http);
  CHECK(judge(get("a.org#")) == Reason::not_http);
  CHECK(judge(get("")) == Reason::not_http);
  CHECK(judge_inside_tls("a.org", {1, 443}, get("b.org")).name == "a.org");
}

TEST_CASE("http2 verdict: the port is the connection's own port") {
  CHECK(judge(get("a.org:8443"), 8443) == Reason::allowed);
  CHECK(judge(get("a.org"), 8443) == Reason::allowed);
  CHECK(judge(get("a.org:80")) == Reason::not_a_proxy);
}

TEST_CASE("http2 verdict: a Host field is the same place") {
  CHECK(judge(with(get("a.org"), {"host", "a.org"})) == Reason::allowed);
  CHECK(judge(with(get("a.org"), {"host", "b.org"})) == Reason::not_http);
  CHECK(judge(with(get("a.org"), {"host", "a.org:444"})) == Reason::not_http);
  CHECK(judge(with(with(get("a.org"), {"host", "a.org"}), {"host", "a.org"})) == Reason::not_http);
  Fields without_authority{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a.org"}};
  CHECK(judge(without_authority) == Reason::allowed);
  without_authority[3].value = "b.org";
  CHECK(judge(without_authority) == Reason::names_differ);
}

TEST_CASE("http2 verdict: other schemes, tunnels and targets do not pass") {
  CHECK(judge(get("a.org", "http")) == Reason::not_a_proxy);
  CHECK(judge(get("a.org", "ftp")) == Reason::not_http);
  CHECK(judge(get("a.org", "")) == Reason::not_http);
  CHECK(judge(get("a.org", "https", "x")) == Reason::not_http);
  CHECK(judge(get("a.org", "https", "/#x")) == Reason::not_http);
  CHECK(judge({{":method", "CONNECT"}, {":authority", "a.org:443"}}) == Reason::not_a_proxy);
  CHECK(judge({{":method", "OPTIONS"}, {":scheme", "https"}, {":authority", "a.org"}, {":path", "*"}}) ==
        Reason::allowed);
  CHECK(judge(get("a.org", "https", "*")) == Reason::not_http);
}

TEST_CASE("http2 verdict: a WebSocket passes, other protocols do not") {
  auto connect = get("a.org");
  connect[0].value = "CONNECT";
  CHECK(judge(with(connect, {":protocol", "websocket"})) == Reason::allowed);
  CHECK(judge(with(connect, {":protocol", "connect-udp"})) == Reason::protocol_switch);
  CHECK(judge(with(get("a.org"), {":protocol", "websocket"})) == Reason::not_http);
  connect[2].value = "b.org";
  CHECK(judge(with(connect, {":protocol", "websocket"})) == Reason::names_differ);
}
