// ClientHello messages: sound ones in every cut, and each way to be unsound.
#include "egress/client_hello.h"

#include "catch.h"
#include "egress/bounds.h"
#include "tls_wire.h"

using namespace banger;
using namespace banger::egress;
using namespace tls_wire;

namespace {

HelloState state_of(const std::string& wire) { return ClientHelloParser().feed(wire); }

ClientHello read(const std::string& wire) {
  ClientHelloParser parser;
  CHECK(parser.feed(wire) == HelloState::found);
  CHECK(parser.bytes() == wire.size());
  return parser.hello();
}

const std::string kGrease = extension(0x0a0a, "");

}  // namespace

TEST_CASE("hello: name, protocols, versions") {
  auto hello = read(usual("Example.org"));
  CHECK(hello.kind == SniKind::name);
  CHECK(hello.sni == "example.org");
  CHECK(hello.protocols == std::vector<std::string>{"h2", "http/1.1"});
  CHECK(hello.versions == std::vector<std::uint16_t>{0x0304, 0x0303});
  CHECK_FALSE(hello.encrypted);
}

TEST_CASE("hello: pieces of any size and records of any size give the same") {
  auto whole = message(body(server_names({"example.org"}) + protocols({"h2"})));
  auto expected = read(records(whole));
  for (std::size_t record = 1; record <= whole.size(); record += record < 8 ? 1 : 13) {
    auto wire = records(whole, record);
    for (std::size_t piece : {1, 2, 3, 5, 7, 64}) {
      ClientHelloParser parser;
      for (std::size_t at = 0; at < wire.size(); at += piece) {
        CHECK(parser.state() == HelloState::need_more);
        parser.feed(std::string_view(wire).substr(at, piece));
      }
      REQUIRE(parser.state() == HelloState::found);
      REQUIRE(parser.hello() == expected);
    }
  }
}

TEST_CASE("hello: every part of one needs more") {
  auto wire = usual("example.org");
  for (std::size_t size = 0; size < wire.size(); ++size)
    REQUIRE(state_of(wire.substr(0, size)) == HelloState::need_more);
}

TEST_CASE("hello: what follows it does not matter") {
  ClientHelloParser parser;
  auto wire = usual("example.org");
  CHECK(parser.feed(wire + records("early data")) == HelloState::found);
  CHECK(parser.bytes() == wire.size());
  CHECK(parser.feed("rubbish") == HelloState::found);
}

TEST_CASE("hello: other protocols are not TLS") {
  for (const char* text : {"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\x80\x2e\x01\x03\x01", "\x16\x02",
                           "\x17\x03\x03", "\x15\x03"}) {
    INFO(text);
    CHECK(state_of(text) == HelloState::not_tls);
  }
  CHECK(state_of(std::string(1, '\0')) == HelloState::not_tls);
}

TEST_CASE("hello: without extensions there is no name") {
  auto old = number(0x0303, 2) + std::string(32, 'r') + sized("", 1) + sized(number(0x2f, 2), 2) + sized("\1", 1);
  auto hello = read(records(message(old)));
  CHECK(hello.kind == SniKind::none);
  CHECK(hello.versions == std::vector<std::uint16_t>{0x0303});
  CHECK(read(tls_wire::hello(kGrease)).kind == SniKind::none);
  CHECK(read(tls_wire::hello("")).kind == SniKind::none);
}

TEST_CASE("hello: a name that is no name is told apart") {
  auto kind = [](const std::vector<std::string>& names) {
    auto hello = read(tls_wire::hello(server_names(names)));
    CHECK((hello.kind == SniKind::name) == !hello.sni.empty());
    return hello.kind;
  };
  CHECK(kind({"example.org."}) == SniKind::name);
  CHECK(kind({"93.184.216.34"}) == SniKind::address);
  CHECK(kind({"127.1"}) == SniKind::address);
  CHECK(kind({"::1"}) == SniKind::address);
  CHECK(kind({"[::1]"}) == SniKind::address);
  CHECK(kind({"a.org", "b.org"}) == SniKind::several);
  CHECK(kind({"a.org", "a.org"}) == SniKind::several);
  CHECK(kind({std::string("a.org\0.evil.org", 15)}) == SniKind::invalid);
  CHECK(kind({"a.org:443"}) == SniKind::invalid);
  CHECK(kind({"a .org"}) == SniKind::invalid);
  CHECK(kind({"*.org"}) == SniKind::invalid);
  CHECK(kind({std::string(300, 'a')}) == SniKind::invalid);
}

TEST_CASE("hello: Encrypted Client Hello is seen, also the older form") {
  CHECK(read(hello(server_names({"a.org"}) + extension(0xfe0d, std::string(200, 'e')))).encrypted);
  CHECK(read(hello(extension(0xffce, ""))).encrypted);
  CHECK_FALSE(read(hello(extension(0xfe0e, ""))).encrypted);
}

TEST_CASE("hello: each wrong length and each repetition is malformed") {
  auto name = server_names({"a.org"});
  const std::string bad[] = {
      hello(name + name),
      hello(kGrease + kGrease),
      hello(extension(0xfe0d, "") + extension(0xfe0d, "")),
      hello(extension(0, "")),
      hello(extension(0, sized("", 2))),
      hello(extension(0, sized(number(0, 1) + sized("", 2), 2))),
      hello(extension(0, sized(number(1, 1) + sized("a.org", 2), 2))),
      hello(extension(0, sized(number(0, 1) + sized("a.org", 2), 2) + "x")),
      hello(extension(0, sized(number(0, 1) + sized("a.org", 2) + "x", 2))),
      hello(extension(0, sized(number(0, 1) + number(9, 2) + "a.org", 2))),
      hello(extension(0, number(2, 2))),
      hello(extension(16, "")),
      hello(extension(16, sized("", 2))),
      hello(extension(16, sized(sized("", 1), 2))),
      hello(extension(16, sized("\x05h2", 2))),
      hello(protocols(std::vector<std::string>(limits::kAlpnNames + 1, "h2"))),
      hello(extension(43, "")),
      hello(extension(43, sized("", 1))),
      hello(extension(43, sized("\x03\x04\x03", 1))),
      hello(extension(43, sized("\x03\x04", 1) + "x")),
      hello(number(0, 2)),
      hello(number(0, 2) + number(5, 2) + "a"),
      records(message(body("", {.session = std::string(33, 's')}))),
      records(message(body("", {.ciphers = ""}))),
      records(message(body("", {.ciphers = "abc"}))),
      records(message(body("", {.compressions = ""}))),
      records(message(body("") + "x")),
      records(message(number(0x0303, 2))),
      records(message("")),
      records(number(2, 1) + sized(body(name), 3)),              // a ServerHello
      records(message(body(name)) + "x"),                        // something follows in the record
      records(message(body(name)) + message(body(name))),        // two of them in one record
      number(22, 1) + number(0x0301, 2) + number(0, 2),          // an empty record
      number(22, 1) + number(0x0301, 2) + number(16385, 2),      // a record that is too long
      records("\x01") + "\x14\x03\x03" + number(1, 2) + "\x01",  // another record in between
      records("\x01") + "\x16\x02\x03",
  };
  for (const auto& wire : bad) {
    INFO(&wire - bad);
    CHECK(state_of(wire) == HelloState::malformed);
  }
}

TEST_CASE("hello: size has a limit, also when it is told only") {
  CHECK(state_of(records(number(1, 1) + number(0xffffff, 3))) == HelloState::too_large);
  auto large = message(body(extension(51, std::string(20000, 'k'))));
  CHECK(state_of(records(large)) == HelloState::found);
  CHECK(state_of(records(large, 1)) == HelloState::too_large);  // six bytes for one
}
