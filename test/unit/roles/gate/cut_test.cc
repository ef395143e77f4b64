// Connections that end because the policy changes, because their guest ends, or because a side breaks.
#include "egress/tls_wire.h"
#include "flow_fixture.h"
#include "roles/gate/proxy.h"
#include "roles/gate/tls.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

Task<> from_start(FlowPtr flow) { return pass_tls(std::move(flow), ""); }

/// Both ends of a connection that the gate passes on.
struct Passed {
  PeerPtr guest, server;
};
Passed passed(FlowFixture& f, const std::string& name) {
  auto guest = f.connect(from_start);
  f.send(guest, tls_wire::usual(name));
  auto server = f.caller();
  CHECK(f.hears(server, tls_wire::usual(name)));
  f.send(server, "hello");
  CHECK(f.hears(guest, "hello"));
  return {guest, server};
}

}  // namespace

TEST_CASE("gate: a changed policy cuts what it does not allow any more, and nothing else") {
  FlowFixture f;
  auto gone = passed(f, "web.vm"), stays = passed(f, "other.vm");
  auto undecided = f.connect(from_start);
  f.set({"other.vm"});
  CHECK(f.breaks(gone.guest));
  CHECK(f.breaks(gone.server));
  f.send(stays.guest, "more");
  CHECK(f.hears(stays.server, "more"));
  // A connection that has said nothing yet meets the new policy.
  f.send(undecided, tls_wire::usual("web.vm"));
  CHECK(f.hear(undecided, 1) == "\x15");
  CHECK(f.until([&] { return f.guests.passages() == 2; }));
}

TEST_CASE("gate: a port that the policy closes is cut too") {
  FlowFixture f;
  auto gone = passed(f, "web.vm");
  f.set({"web.vm:1"});
  CHECK(f.breaks(gone.guest));
  CHECK(f.breaks(gone.server));
}

TEST_CASE("gate: the end of a lookup's time cuts no connection") {
  FlowFixture f;
  auto stays = passed(f, "web.vm");
  f.guest()->openings().clear();
  f.set({"web.vm"});
  f.send(stays.guest, "more");
  CHECK(f.hears(stays.server, "more"));
}

TEST_CASE("gate: all connections of a guest that ends are cut, also those that have said nothing") {
  FlowFixture f;
  auto gone = passed(f, "web.vm");
  auto undecided = f.connect(from_start);
  auto guest = f.guest();
  f.guests.clear(kVm);
  CHECK(f.breaks(gone.guest));
  CHECK(f.breaks(gone.server));
  CHECK(f.breaks(undecided));
  CHECK(f.all_over());
  CHECK(guest->passages().empty());
}

TEST_CASE("gate: a guest that resets its connection resets the one outside") {
  FlowFixture f;
  auto gone = passed(f, "web.vm");
  gone.guest->stream->reset_at_end();
  gone.guest->stream.reset();
  CHECK(f.breaks(gone.server));
  CHECK(f.all_over());
}

TEST_CASE("gate: a server that resets its connection resets the guest's") {
  FlowFixture f;
  auto gone = passed(f, "web.vm");
  gone.server->stream->reset_at_end();
  gone.server->stream.reset();
  CHECK(f.breaks(gone.guest));
  CHECK(f.all_over());
}

TEST_CASE("gate: where nobody listens outside, the guest's connection is reset") {
  FlowFixture f;
  auto to = f.server();
  f.outside.reset();
  auto guest = f.connect(from_start, to);
  f.send(guest, tls_wire::usual("web.vm"));
  CHECK(f.breaks(guest));
  CHECK(f.all_over());
}

TEST_CASE("gate: a connection by address lasts while the policy opens the address") {
  FlowFixture f;
  auto stream = test::run(f.runtime, net::connect_tcp(f.runtime, f.gate->endpoint(), host::after(f.kPatience)));
  REQUIRE(stream);
  auto accepted = test::run(f.runtime, f.gate->accept());
  REQUIRE(accepted);
  auto open = [](const char* egress, const std::vector<std::string>& rules) {
    return *egress::Policy::make(egress, rules);
  };
  Flow flow(f.runtime, f.guest(), {0x5db8d822, 443}, std::move(*accepted));
  CHECK(flow.is_allowed_by(open("none", {})));
  flow.allow({.reason = Reason::allowed, .name = "a.org"});
  CHECK(flow.is_allowed_by(open("open", {})));
  CHECK(flow.is_allowed_by(open("none", {"93.184.216.0/24:443"})));
  CHECK_FALSE(flow.is_allowed_by(open("none", {"93.184.216.0/24:80"})));
  CHECK_FALSE(flow.is_allowed_by(open("none", {"a.org"})));
}

TEST_CASE("gate: a guest that is gone takes its connection along, although the host outside never ends it") {
  FlowFixture f;
  auto guest = f.connect(pass);
  auto server = f.caller();
  f.send(server, "hi");
  CHECK(f.hears(guest, "hi"));
  guest->stream->shutdown_write();
  CHECK(f.ends(server));
  guest->stream->reset_at_end();
  guest->stream.reset();
  CHECK(f.all_over());
}
