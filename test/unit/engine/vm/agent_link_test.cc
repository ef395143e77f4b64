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

TEST_CASE("agent link: errors of an owner's requests name the VM as it is called now, and a way out") {
  Fixture f;
  auto vm = f.running();
  auto client = f.run(vm->parts().link->client(host::after(1min)));
  REQUIRE(client);
  f.host.of(vm->record().id())->guest->fall_silent();
  auto silent = f.run((*client)->call("GET", "/stats", "", host::after(5ms)));
  REQUIRE(!silent);
  CHECK(silent.error().code == ErrorCode::timeout);
  CHECK(silent.error().sentence() ==
        "vm 'box': the guest did not answer in time (hint: see banger vm list and banger vm logs box)");
  CHECK(f.run((*client)->ping(host::after(5ms))).error().message.starts_with("vm 'box': "));
  REQUIRE(vm->parts().record->edit([](store::VmRow& row, vm::Spec&) { row.name = "crate"; }));
  auto stream = f.run((*client)->open({.method = "GET", .path = "/listening"}));
  REQUIRE(stream);
  CHECK(f.run((*stream)->status(host::after(5ms))).error().message.starts_with("vm 'crate': "));
  (*client)->close();
  CHECK(f.run((*client)->open({.method = "GET", .path = "/stats"})).error().message.starts_with("vm 'crate': "));
  CHECK(!(*client)->alive());
}

TEST_CASE("agent link: the guest's own refusal names the VM too") {
  Fixture f;
  auto vm = f.running();
  auto client = f.run(vm->parts().link->client(host::after(1min)));
  REQUIRE(client);
  f.log.fail_on("agent /stats");
  auto refused = f.run((*client)->call("GET", "/stats", "", host::after(1min)));
  f.log.heal();
  REQUIRE(!refused);
  CHECK(refused.error().message.starts_with("vm 'box': "));
  CHECK(f.run((*client)->call("GET", "/stats", "", host::after(1min))));
}

TEST_CASE("agent link: a request to a guest that was silent asks first, and is refused soon") {
  Fixture f;
  auto vm = f.running();
  auto& link = *vm->parts().link;
  link.set_silent(true);
  CHECK(f.run(link.client(host::after(1min))));
  CHECK(!link.silent());
  link.set_silent(true);
  f.host.of(vm->record().id())->guest->fall_silent();
  auto client = f.run(link.client(host::after(5ms)));
  REQUIRE(!client);
  CHECK(client.error().code == ErrorCode::timeout);
  CHECK(client.error().message.starts_with("vm 'box' has not answered for "));
  CHECK(client.error().hint.find("banger vm logs box") != std::string::npos);
  CHECK(link.silent());
  CHECK(link.up());
}

TEST_CASE("agent link: a hold that gets no answer names the VM") {
  Fixture f;
  auto vm = f.running();
  f.log.fail_on("agent /hold");
  auto held = f.run(vm->parts().link->hold(Hold::on));
  f.log.heal();
  REQUIRE(!held);
  CHECK(held.error().message.starts_with("prepare the guest of vm 'box': "));
}
