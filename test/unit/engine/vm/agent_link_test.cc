// The link to a VM's agent: connect, lose the link, reconnect.
#include "engine/vm/agent_link.h"

#include "base/text.h"
#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using namespace std::chrono_literals;

namespace {

// A running machine, and a link that is not connected to the agent yet.
struct Unlinked : Fixture {
  Unlinked() : vm(running()), process(host.of(vm->record().id())), machine(vm->parts().machine->get()) {
    vm->parts().link->close();
    record = vm->parts().record;
    link = std::make_shared<AgentLink>(
        daemon->runtime, daemon->log, record, [this] { return tokens; },
        [this](std::shared_ptr<link::Client>) -> Task<Result<>> {
          ++identified;
          co_return Result<>{};
        });
    tokens = {*from_hex(vm->record().row().link_token)};
    log.heal();
  }
  Result<> connect(AgentLink::GivenUp given_up = [] { return false; }) {
    return run(link->connect(machine, 1min, std::move(given_up)));
  }
  std::shared_ptr<VmOwner> vm;
  std::shared_ptr<test::FakeProcess> process;
  std::shared_ptr<machine::Machine> machine;
  std::shared_ptr<VmRecord> record;
  std::shared_ptr<AgentLink> link;
  std::vector<std::string> tokens;
  int identified = 0;
};

}  // namespace

TEST_CASE("agent link: the link is up when the agent answers to its token") {
  Unlinked f;
  CHECK(!f.link->up());
  REQUIRE(f.connect());
  CHECK(f.link->up());
  CHECK(f.run(f.link->client(host::after(0ms))));
}

TEST_CASE("agent link: the error has the reason of a guest that ends first") {
  Unlinked f;
  f.process->end({.guest_initiated = false, .reason = "killed by signal 11"});
  auto connected = f.connect();
  REQUIRE(!connected);
  CHECK(connected.error().code == ErrorCode::unavailable);
  CHECK(connected.error().message == "the guest ended before it was ready: killed by signal 11");
  CHECK(connected.error().hint == "banger vm logs box");
}

TEST_CASE("agent link: a caller that gives up does not wait") {
  Unlinked f;
  f.tokens = {std::string(16, 'x')};
  auto connected = f.connect([] { return true; });
  REQUIRE(!connected);
  CHECK(connected.error().code == ErrorCode::cancelled);
}

TEST_CASE("agent link: a broken link is connected again, and the hold is ended") {
  Unlinked f;
  REQUIRE(f.connect());
  f.process->guest->held = true;
  f.link->client()->close();
  CHECK(f.run_until([&] { return f.link->up() && !f.process->guest->held; }));
}

TEST_CASE("agent link: a guest that lost its identity gets it again") {
  Unlinked f;
  REQUIRE(f.connect());
  CHECK(f.identified == 0);
  // The agent answers to the second token, which is the saved guest's.
  f.tokens.insert(f.tokens.begin(), std::string(16, 'o'));
  f.link->drop();
  CHECK(f.run_until([&] { return f.link->up(); }));
  CHECK(f.identified == 1);
}

TEST_CASE("agent link: a dropped link is connected again, a closed link is not") {
  Unlinked f;
  REQUIRE(f.connect());
  f.link->drop();
  CHECK(!f.link->up());
  CHECK(f.run_until([&] { return f.link->up(); }));
  f.link->close();
  auto client = f.run(f.link->client(host::after(5ms)));
  REQUIRE(!client);
  CHECK(client.error().code == ErrorCode::timeout);
}

TEST_CASE("agent link: the system is up when the guest reports so") {
  Unlinked f;
  f.process->guest->system_ready = false;
  REQUIRE(f.connect());
  auto waited = f.run(f.link->wait_system(5ms, [] { return false; }));
  REQUIRE(!waited);
  CHECK(waited.error().code == ErrorCode::timeout);
  CHECK(!f.link->system_up());
  f.process->guest->system_ready = true;
  CHECK(f.run(f.link->wait_system(1min, [] { return false; })));
  CHECK(f.link->system_up());
}

TEST_CASE("agent link: a guest that has ended ends the wait for its system") {
  Unlinked f;
  f.process->guest->system_ready = false;
  REQUIRE(f.connect());
  f.process->end({.guest_initiated = true, .reason = "guest-shutdown"});
  auto waited = f.run(f.link->wait_system(1min, [] { return false; }));
  REQUIRE(!waited);
  CHECK(waited.error().message == "the guest ended before its system was up");
}

TEST_CASE("agent link: a hold is sent to the agent, and ended") {
  Unlinked f;
  REQUIRE(f.connect());
  REQUIRE(f.run(f.link->hold(Hold::on)));
  CHECK(f.process->guest->held);
  REQUIRE(f.run(f.link->hold(Hold::off)));
  CHECK(!f.process->guest->held);
}

TEST_CASE("agent link: a stopped VM has no agent, and the error has a hint") {
  Fixture f;
  auto vm = f.stopped();
  auto client = f.run(vm->parts().link->client(host::after(1min)));
  REQUIRE(!client);
  CHECK(client.error().code == ErrorCode::unavailable);
  CHECK(client.error().hint == "banger vm start box");
}
