// How the gate looks at a connection: by its address first, then by its first words where a name has to decide.
#include "roles/gate/proxy.h"

#include "egress/tls_wire.h"
#include "flow_fixture.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

TEST_CASE("gate: a destination that nothing has opened is reset at once") {
  FlowFixture f;
  f.guest()->openings().clear();
  auto guest = f.connect(pass);
  CHECK(f.breaks(guest));
  CHECK(f.nobody_calls());
  REQUIRE(f.rows().size() == 1);
  CHECK(f.refused().reason == Reason::address_closed);
  CHECK(Destination{f.refused().address, f.refused().port} == f.server());
  CHECK(f.connect(pass, {0x5db8d822, 443}));
  CHECK(f.until([&] { return f.rows().size() == 2; }));
  CHECK(f.refused().reason == Reason::address_not_opened);
  CHECK(f.all_over());
}

TEST_CASE("gate: a port that the name's rule lacks is reset at once") {
  FlowFixture f;
  f.set({"web.vm:1"});
  auto guest = f.connect(pass);
  CHECK(f.breaks(guest));
  CHECK(f.nobody_calls());
  CHECK(f.refused().reason == Reason::port_closed);
  CHECK(f.refused().name == "web.vm");
}

TEST_CASE("gate: on other ports than those of the web, a server may speak first") {
  FlowFixture f;
  auto guest = f.connect(pass);
  auto server = f.caller();
  f.send(server, "220 hello\r\n");
  CHECK(f.hears(guest, "220 hello\r\n"));
  f.send(guest, "EHLO\r\n");
  CHECK(f.hears(server, "EHLO\r\n"));
  guest->stream->shutdown_write();
  CHECK(f.ends(server));
  server->stream->shutdown_write();
  CHECK(f.ends(guest));
  REQUIRE(f.all_over());
  REQUIRE(f.rows().size() == 1);
  CHECK(f.rows()[0].name == "web.vm");
  CHECK(f.rows()[0].sent == 6);
  CHECK(f.rows()[0].received == 11);
  CHECK(f.rows()[0].count == 1);
}

TEST_CASE("gate: on other ports a guest that says nothing ends its direction all the same") {
  FlowFixture f;
  auto guest = f.connect(pass);
  auto server = f.caller();
  guest->stream->shutdown_write();
  CHECK(f.ends(server));
  f.send(server, "bye");
  CHECK(f.hears(guest, "bye"));
}

TEST_CASE("gate: TLS on other ports needs a name that the policy has") {
  FlowFixture f;
  auto hello = tls_wire::usual("other.vm");
  auto guest = f.connect(pass);
  auto server = f.caller();
  f.send(guest, hello.substr(0, 1));
  CHECK(f.is_quiet(server));
  f.send(guest, hello.substr(1));
  CHECK(f.hears(server, hello));
  f.send(server, "answer");
  CHECK(f.hears(guest, "answer"));
}

TEST_CASE("gate: TLS on other ports with a refused name is cut before the server gets a byte") {
  FlowFixture f;
  const std::pair<std::string, Reason> bad[] = {
      {tls_wire::usual("evil.org"), Reason::name_not_allowed},
      {tls_wire::hello(""), Reason::name_missing},
      {"\x16nothing", Reason::not_tls},
      {std::string("\x16\x03\x01\0\0", 5), Reason::hello_malformed},
  };
  for (const auto& [bytes, reason] : bad) {
    auto guest = f.connect(pass);
    auto server = f.caller();
    f.send(guest, bytes);
    CHECK(f.breaks(server));
    CHECK(f.breaks(guest));
    CHECK(f.refused().reason == reason);
  }
  CHECK(f.all_over());
}

TEST_CASE("gate: many bytes pass in both directions at once") {
  FlowFixture f;
  auto guest = f.connect(pass);
  auto server = f.caller();
  std::string up(1 << 20, 'u'), down(1 << 20, 'd');
  for (int i = 0; i < 4; ++i) {
    f.send(guest, up);
    f.send(server, down);
  }
  guest->stream->shutdown_write();
  server->stream->shutdown_write();
  for (int i = 0; i < 4; ++i) {
    CHECK(f.hears(server, up));
    CHECK(f.hears(guest, down));
  }
  CHECK(f.ends(server));
  CHECK(f.ends(guest));
  REQUIRE(f.all_over());
  CHECK(f.rows()[0].sent == 4 * up.size());
  CHECK(f.rows()[0].received == 4 * down.size());
}
