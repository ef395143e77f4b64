// Giving a running guest its identity, over a link to an agent in memory.
#include "engine/vm/identity.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;

namespace {

struct Linked : Fixture {
  Linked() : vm(running()), client(vm->parts().link->client()), guest(host.of(vm->record().id())->guest) {
    REQUIRE(client);
    log.heal();
  }
  std::size_t count(std::string_view step) const {
    return static_cast<std::size_t>(std::ranges::count(log.steps(), step));
  }
  std::shared_ptr<VmOwner> vm;
  std::shared_ptr<link::Client> client;
  std::shared_ptr<test::FakeGuest> guest;
};

}  // namespace

TEST_CASE("identity: a guest with a right clock gets one request") {
  Linked f;
  auto clock = f.run(configure(*f.client, {.hostname = "other"}, Disks::unchanged));
  REQUIRE(clock);
  CHECK(*clock == engine::Clock::sure);
  CHECK(f.guest->name == "other");
  CHECK(f.count("agent /configure") == 1);
  CHECK(f.count("agent /clock") == 0);
}

TEST_CASE("identity: a clock that stays wrong is corrected several times, and then reported as unsure") {
  Linked f;
  f.guest->answers["/configure"] = f.guest->answers["/clock"] = R"({"clock_unix_ns": 1})";
  auto clock = f.run(configure(*f.client, {}, Disks::unchanged));
  REQUIRE(clock);
  CHECK(*clock == engine::Clock::unsure);
  CHECK(f.count("agent /clock") == 8);
}

TEST_CASE("identity: an answer without a clock is an error") {
  Linked f;
  f.guest->answers["/configure"] = "{}";
  CHECK(!f.run(configure(*f.client, {}, Disks::unchanged)));
}

TEST_CASE("identity: only drives that have grown are resized, in the places of their root") {
  Linked f;
  auto& machine = *f.vm->parts().machine->get();
  auto process = f.host.of(f.vm->record().id());
  auto saved = f.small_spec(), wanted = saved;
  CHECK(f.run(grow_drives(machine, wanted, saved)) == Disks::unchanged);
  CHECK(f.count("vmm resize drive") == 0);
  wanted.disk_bytes *= 2;
  CHECK(f.run(grow_drives(machine, wanted, saved)) == Disks::grown);
  REQUIRE(process->drive_bytes.size() == 3);
  CHECK(process->drive_bytes[2] == wanted.disk_bytes);
  wanted.storage = vm::Storage::copy;
  CHECK(f.run(grow_drives(machine, wanted, saved)) == Disks::grown);
  CHECK(process->drive_bytes[1] == wanted.disk_bytes);
}

TEST_CASE("identity: warm_up runs the code of every first command") {
  Linked f;
  auto warm = [&]() -> Task<bool> {
    co_await warm_up(f.daemon->runtime, *f.client);
    co_return true;
  };
  CHECK(f.run(warm()));
  CHECK(f.count("agent /exec") == 3);
}
