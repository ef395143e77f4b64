// Every way for a connection to be allowed or refused.
#include "egress/verdict.h"

#include "catch.h"
#include "tls_wire.h"

using namespace banger;
using namespace banger::egress;
using namespace std::chrono_literals;

namespace {

constexpr Instant kNow(16000s);
constexpr Ipv4 kShared = 0x5db8d822, kOther = 0x5db8d823, kPrivate = 0x0a000001;

Policy make(const char* egress, const std::vector<std::string>& rules = {}) { return *Policy::make(egress, rules); }

/// a.org and b.org are at kShared. Port 443 is open for both, port 80 for a.org only.
struct Scene {
  Policy policy = make("none", {"a.org", "b.org:443", "93.184.216.99:22", "10.0.0.0/24:8080"});
  Openings openings;

  Scene() {
    for (const char* name : {"a.org", "b.org"})
      openings.open({{kShared, name, policy.ports_of(name), kNow + 64s}}, kNow);
  }
  Verdict address(Ipv4 address, std::uint16_t port, Instant now = kNow) const {
    return judge_address(policy, openings, {address, port}, now);
  }
  Verdict tls(const std::string& wire, Ipv4 address = kShared, std::uint16_t port = 443) const {
    ClientHelloParser parser;
    auto state = parser.feed(wire);
    return judge_tls(policy, openings, {address, port}, state, parser.hello(), kNow);
  }
  Verdict http(const std::string& text, Ipv4 address = kShared, std::uint16_t port = 80) const {
    HttpHeadParser parser;
    auto state = parser.feed(text);
    return judge_http(policy, openings, {address, port}, state, parser.head(), kNow);
  }
};

std::string get(const std::string& host, const std::string& target = "/") {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

}  // namespace

TEST_CASE("verdict: an address is open by a rule, or by a lookup until its end") {
  Scene scene;
  CHECK(scene.address(kShared, 443) == Verdict{Reason::allowed, "a.org", true});
  CHECK(scene.address(kShared, 1).allowed());
  CHECK(scene.address(0x5db8d863, 22) == Verdict{Reason::allowed, "", false});
  CHECK(scene.address(0x5db8d863, 23).reason == Reason::port_closed);
  CHECK(scene.address(kShared, 443, kNow + 64s).reason == Reason::address_not_opened);
  CHECK(scene.address(kOther, 443).reason == Reason::address_not_opened);
  CHECK(scene.address(kPrivate, 8080).allowed());
  CHECK(scene.address(kPrivate, 80).reason == Reason::port_closed);
  CHECK(scene.address(0x0a000101, 8080).reason == Reason::address_closed);
  CHECK(scene.address(0xa9fea9fe, 80).reason == Reason::address_closed);
}

TEST_CASE("verdict: a lookup that opened other ports does not open this one") {
  Scene scene;
  scene.openings.open({{kOther, "b.org", PortRange{443, 443}, kNow + 64s}}, kNow);
  CHECK(scene.address(kOther, 80).reason == Reason::port_closed);
}

TEST_CASE("verdict: an opening does not help where the address has become this host's") {
  Scene scene;
  scene.policy.set_host_addresses({kShared});
  CHECK(scene.address(kShared, 443).reason == Reason::address_of_host);
  CHECK(scene.tls(tls_wire::usual("a.org")).reason == Reason::address_of_host);
}

TEST_CASE("verdict: TLS passes with a name that the policy has") {
  Scene scene;
  CHECK(scene.tls(tls_wire::usual("a.org")) == Verdict{Reason::allowed, "a.org", false});
  CHECK(scene.tls(tls_wire::usual("B.org")).allowed());
  CHECK(scene.tls(tls_wire::usual("evil.org")) == Verdict{Reason::name_not_allowed, "evil.org", false});
  CHECK(scene.tls(tls_wire::usual("x.a.org")).reason == Reason::name_not_allowed);
  CHECK(scene.tls(tls_wire::usual("b.org"), kShared, 8443).reason == Reason::port_closed);
  CHECK(scene.tls(tls_wire::usual("a.org"), kOther) == Verdict{Reason::address_not_opened, "a.org", false});
}

TEST_CASE("verdict: TLS without a name that can be checked does not pass") {
  using namespace tls_wire;
  Scene scene;
  CHECK(scene.tls(hello("")).reason == Reason::name_missing);
  CHECK(scene.tls(hello(server_names({"93.184.216.34"}))).reason == Reason::name_is_address);
  CHECK(scene.tls(hello(server_names({"a.org", "b.org"}))).reason == Reason::several_names);
  CHECK(scene.tls(hello(server_names({"a_/b"}))).reason == Reason::name_malformed);
  CHECK(scene.tls(hello(server_names({"a.org"}) + extension(0xfe0d, "x"))) ==
        Verdict{Reason::name_encrypted, "a.org", false});
  CHECK(scene.tls("SSH-2.0-x\r\n").reason == Reason::not_tls);
  CHECK(scene.tls(hello(extension(0, ""))).reason == Reason::hello_malformed);
  CHECK(scene.tls(usual("a.org").substr(0, 100)).reason == Reason::hello_malformed);
}

TEST_CASE("verdict: where a rule opens the address, nothing else matters") {
  Scene scene;
  scene.policy = make("none", {"93.184.216.34"});
  CHECK(scene.tls("SSH-2.0-x\r\n").allowed());
  CHECK(scene.tls(tls_wire::usual("evil.org")) == Verdict{Reason::allowed, "evil.org", false});
  CHECK(scene.http("rubbish\n").allowed());
  scene.policy = make("open");
  CHECK(scene.tls(tls_wire::hello("")).allowed());
  CHECK(scene.http(get("evil.org")).allowed());
  CHECK(scene.http(get("evil.org"), kPrivate).reason == Reason::address_closed);
}

TEST_CASE("verdict: a request passes with a host that the policy has") {
  Scene scene;
  CHECK(scene.http(get("a.org")) == Verdict{Reason::allowed, "a.org", false});
  CHECK(scene.http(get("a.org:80", "http://a.org/x")).allowed());
  CHECK(scene.http(get("evil.org")).reason == Reason::name_not_allowed);
  CHECK(scene.http(get("b.org")).reason == Reason::port_closed);
  CHECK(scene.http(get("93.184.216.34")).reason == Reason::name_is_address);
  CHECK(scene.http("GET / HTTP/1.1\r\n\r\n").reason == Reason::not_http);
  CHECK(scene.http("GET / HT").reason == Reason::not_http);
  CHECK(scene.http(tls_wire::usual("a.org")).reason == Reason::not_http);
}

TEST_CASE("verdict: a request for a proxy does not pass") {
  Scene scene;
  CHECK(scene.http("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org\r\n\r\n").reason == Reason::not_a_proxy);
  CHECK(scene.http(get("a.org:443", "https://a.org/")).reason == Reason::not_a_proxy);
  CHECK(scene.http(get("a.org:81")).reason == Reason::not_a_proxy);
  CHECK(scene.http(get("a.org:8080"), kShared, 8080).allowed());
}

TEST_CASE("verdict: a request may switch to WebSocket, not to HTTP/2") {
  Scene scene;
  auto with = [](const std::string& field) { return "GET / HTTP/1.1\r\nHost: a.org\r\n" + field + "\r\n\r\n"; };
  CHECK(scene.http(with("Upgrade: websocket")).allowed());
  CHECK(scene.http(with("Upgrade: h2c")).reason == Reason::protocol_switch);
  CHECK(scene.http(with("Upgrade: websocket, h2c")).reason == Reason::protocol_switch);
  CHECK(scene.http(with("Upgrade:")).reason == Reason::protocol_switch);
  CHECK(scene.http("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").reason == Reason::not_http);
}

TEST_CASE("verdict: a second ClientHello has the name of the first one") {
  auto judge = [](const std::string& second) {
    ClientHelloParser parser(Flight::after_retry);
    auto state = parser.feed(second);
    return judge_second_hello({.kind = SniKind::name, .sni = "a.org"}, state, parser.hello()).reason;
  };
  const std::string change("\x14\x03\x03\0\1\1", 6);
  CHECK(judge(tls_wire::usual("a.org")) == Reason::allowed);
  CHECK(judge(change + tls_wire::usual("A.org")) == Reason::allowed);
  CHECK(judge(change + tls_wire::usual("evil.org")) == Reason::names_differ);
  CHECK(judge(tls_wire::hello("")) == Reason::names_differ);
  CHECK(judge(tls_wire::hello(tls_wire::server_names({"a.org"}) + tls_wire::extension(0xfe0d, ""))) ==
        Reason::name_encrypted);
  CHECK(judge(change + change + tls_wire::usual("a.org")) == Reason::hello_malformed);
  CHECK(judge("rubbish") == Reason::hello_malformed);
}

TEST_CASE("verdict: a request inside TLS is for the connection's own host") {
  auto judge = [](const std::string& text) {
    HttpHeadParser parser;
    auto state = parser.feed(text);
    return judge_inside_tls("a.org", {kShared, 443}, state, parser.head()).reason;
  };
  CHECK(judge(get("a.org")) == Reason::allowed);
  CHECK(judge(get("A.org.:443", "https://a.org/x")) == Reason::allowed);
  CHECK(judge(get("b.org")) == Reason::names_differ);
  CHECK(judge(get("93.184.216.34")) == Reason::names_differ);
  CHECK(judge(get("a.org", "http://a.org/")) == Reason::not_a_proxy);
  CHECK(judge(get("a.org:80")) == Reason::not_a_proxy);
  CHECK(judge("GET / HTTP/1.1\r\nHost: a.org\r\nHost: b.org\r\n\r\n") == Reason::not_http);
}

TEST_CASE("verdict: a refusal is a sentence with a way out") {
  Scene scene;
  auto error = to_error(scene.tls(tls_wire::usual("evil.org")), {kShared, 443});
  CHECK(error.code == ErrorCode::denied);
  CHECK(error.sentence() == "no rule of the policy allows the name evil.org (hint: add a rule with --allow)");
}
