// The life of host resources around VMs, with toy resources: order, crashes, gc and doctor.
#include "engine/resources.h"

#include <algorithm>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/fleet/manager.h"
#include "engine/health/doctor.h"
#include "engine/health/gc.h"
#include "engine/health/upkeep.h"
#include "toy_resource.h"

using namespace banger;
using namespace banger::engine;
using test::ToyHost;
using test::ToyResource;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kVm = "abcdefghijkl";

struct Toys {
  HostResources::List make(store::Store& store) {
    HostResources::List list;
    list.push_back(std::make_unique<ToyResource>("red", toys, store));
    list.push_back(std::make_unique<ToyResource>("blue", toys, store));
    blue = static_cast<ToyResource*>(list.back().get());
    return list;
  }

  ToyHost toys;
  ToyResource* blue = nullptr;
};

struct Fixture : Toys, test::Fixture {
  Fixture() : test::Fixture([this](store::Store& store) { return make(store); }) {}

  HostResources& resources() { return daemon->resources; }
  Result<> acquire() {
    capabilities::VmContext vm{.runtime = daemon->runtime, .log = daemon->log, .id = kVm, .spec = spec};
    machine = {};
    auto acquired = run(resources().acquire(vm, machine));
    port = vm.port;
    return acquired;
  }
  void release() { run(resources().release_all(kVm)); }

  vm::Spec spec;
  machine::MachineConfig machine;
  std::optional<capabilities::NetworkPort> port;
};

}  // namespace

TEST_CASE("host resources: a VM acquires in list order, is admitted, and releases in reverse") {
  Fixture f;
  REQUIRE(f.acquire());
  CHECK(f.machine.taps.size() == 2);
  CHECK(f.port->mac == "red");
  CHECK(f.toys.parcels.size() == 2);
  REQUIRE(f.run(f.resources().admit(kVm, f.spec)));
  f.release();
  CHECK(f.toys.calls == Words{"acquire red", "acquire blue", "admit red", "admit blue", "release blue", "release red"});
  CHECK(f.toys.parcels.empty());
  CHECK(f.daemon->store->journal()->empty());
}

TEST_CASE("host resources: a resource that fails ends the start, and all are released") {
  Fixture f;
  f.blue->fails = true;
  CHECK(f.acquire().error().code == ErrorCode::exhausted);
  CHECK(f.toys.parcels == std::set<std::string>{"red of abcdefghijkl"});
  f.release();
  CHECK(f.toys.parcels.empty());
  CHECK(f.daemon->store->journal()->empty());
}

TEST_CASE("host resources: after a crash the next daemon knows the holders, and releases again") {
  Fixture f;
  REQUIRE(f.acquire());
  f.restart();
  CHECK(f.resources().holders() == std::set<std::string>{kVm});
  f.toys.stuck = true;
  f.release();
  f.restart();
  CHECK(f.resources().holders() == std::set<std::string>{kVm});
  CHECK(f.toys.parcels.size() == 2);
  f.toys.stuck = false;
  f.release();
  f.release();
  CHECK(f.toys.parcels.empty());
  CHECK(f.resources().holders().empty());
}

TEST_CASE("host resources: every resource may resolve a spec, check a spec and apply a change at once") {
  Fixture f;
  REQUIRE(f.run(f.resources().resolve(vm::NetworkChoice::bridge, f.spec)));
  CHECK(f.spec.network == vm::Network::bridge);
  REQUIRE(f.run(f.resources().resolve(vm::NetworkChoice::user, f.spec)));
  CHECK(f.spec.network == vm::Network::user);
  CHECK(f.resources().check(f.spec));
  f.spec.labels["no blue"] = "";
  CHECK(f.resources().check(f.spec).error().hint == "do without");
  auto after = f.spec;
  CHECK(*f.run(f.resources().change(kVm, f.spec, after)) == capabilities::TakesEffect::after_restart);
  after.labels["red"] = "";
  CHECK(*f.run(f.resources().change(kVm, f.spec, after)) == capabilities::TakesEffect::at_once);
}

TEST_CASE("host resources: gc finds leftovers of no VM, and the resource that found a leftover removes it") {
  Fixture f;
  VmManager fleet(f.daemon->services);
  REQUIRE(f.acquire());
  f.toys.parcels.insert("blue of nobody");
  auto found = f.run(collect_garbage(f.daemon->services, fleet, Collect::list_only));
  REQUIRE(found);
  auto parcel = std::ranges::find(*found, "parcel", &Garbage::kind);
  REQUIRE(parcel != found->end());
  CHECK(parcel->path == "blue of nobody");
  REQUIRE(f.run(parcel->remove()));
  CHECK(f.toys.parcels == std::set<std::string>{"blue of abcdefghijkl", "red of abcdefghijkl"});
}

TEST_CASE("host resources: doctor has a line from each resource") {
  Fixture f;
  auto checks = f.run(run_doctor(f.daemon->services, Verdicts::kept));
  for (const char* name : {"red", "blue"}) {
    auto check = std::ranges::find(checks, name, &capabilities::Check::name);
    REQUIRE(check != checks.end());
    CHECK(check->detail == "parcels work");
  }
}

TEST_CASE("host resources: resources of a removed VM are released after a daemon start") {
  Fixture f;
  VmManager fleet(f.daemon->services);
  REQUIRE(f.acquire());
  f.run(release_leftovers(f.daemon->services, fleet.registry()));
  CHECK(f.toys.parcels.empty());
}
