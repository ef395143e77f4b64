// The life of host resources around VMs, with toy resources: order, crashes, gc and doctor.
#include "engine/resources.h"

#include <algorithm>

#include "catch.h"
#include "engine/fleet/manager.h"
#include "engine/health/doctor.h"
#include "engine/health/gc.h"
#include "engine/health/upkeep.h"
#include "engine/installed_vmms.h"
#include "support/run.h"
#include "support/temp_dir.h"
#include "toy_resource.h"

using namespace banger;
using namespace banger::engine;
using test::ToyHost;
using test::ToyResource;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kVm = "abcdefghijkl";

struct Fixture {
  Fixture() {
    store = std::move(*store::Store::open(directory / "db"));
    restart();
  }
  /// A crash of the daemon: only the store and the host remain.
  void restart() {
    HostResources::List list;
    list.push_back(std::make_unique<ToyResource>("red", host, *store));
    list.push_back(std::make_unique<ToyResource>("blue", host, *store));
    blue = static_cast<ToyResource*>(list.back().get());
    resources = std::make_unique<HostResources>(std::move(list));
    REQUIRE(resources->load());
    host.calls.clear();
  }
  Result<> acquire() {
    capabilities::VmContext vm{.runtime = runtime, .log = log, .id = kVm, .spec = spec};
    config = {};
    auto acquired = test::run(runtime, resources->acquire(vm, config));
    port = vm.port;
    return acquired;
  }
  void release() { test::run(runtime, resources->release_all(kVm)); }

  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  ToyHost host;
  vm::Spec spec;
  machine::MachineConfig config;
  std::optional<capabilities::NetworkPort> port;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<HostResources> resources;
  ToyResource* blue = nullptr;
};

/// The parts of the daemon that gc and doctor need, in empty directories.
struct Daemon : Fixture {
  explicit Daemon()
      : paths{.home = directory.path(),
              .config_file = "",
              .state = directory / "state",
              .data = directory / "data",
              .cache = directory / "cache"},
        kernels(runtime, paths.kernels(), paths.cache, ""),
        images(runtime, paths.images(), paths.cache, ""),
        vmms(runtime, log, paths, settings, *store, ""),
        initramfs(runtime, paths, ""),
        saves(runtime, log, paths, *store),
        privileged(runtime, log, paths, settings, directory / "nobody"),
        building(runtime),
        pulling(runtime),
        services{.runtime = runtime,
                 .log = log,
                 .paths = paths,
                 .config = settings,
                 .store = *store,
                 .kernels = kernels,
                 .images = images,
                 .vmms = vmms,
                 .initramfs = initramfs,
                 .saves = saves,
                 .privileged = privileged,
                 .resources = *resources,
                 .host_size = {},
                 .building_image = building,
                 .pulling_kernel = pulling},
        fleet(services) {}

  host::Paths paths;
  config::Config settings;
  image::KernelStore kernels;
  image::ImageStore images;
  InstalledVmms vmms;
  Initramfs initramfs;
  SavedStates saves;
  PrivilegedClient privileged;
  host::Mutex building, pulling;
  Services services;
  VmManager fleet;
};

}  // namespace

TEST_CASE("host resources: a VM acquires in list order, is admitted, and releases in reverse") {
  Fixture b;
  REQUIRE(b.acquire());
  CHECK(b.config.taps.size() == 2);
  CHECK(b.port->mac == "red");
  CHECK(b.host.parcels.size() == 2);
  REQUIRE(test::run(b.runtime, b.resources->admit(kVm, b.spec)));
  b.release();
  CHECK(b.host.calls == Words{"acquire red", "acquire blue", "admit red", "admit blue", "release blue", "release red"});
  CHECK(b.host.parcels.empty());
  CHECK(b.store->journal()->empty());
}

TEST_CASE("host resources: a resource that fails ends the start, and all are released") {
  Fixture b;
  b.blue->fails = true;
  CHECK(b.acquire().error().code == ErrorCode::exhausted);
  CHECK(b.host.parcels == std::set<std::string>{"red of abcdefghijkl"});
  b.release();
  CHECK(b.host.parcels.empty());
  CHECK(b.store->journal()->empty());
}

TEST_CASE("host resources: after a crash the next daemon knows the holders, and releases again") {
  Fixture b;
  REQUIRE(b.acquire());
  b.restart();
  CHECK(b.resources->holders() == std::set<std::string>{kVm});
  b.host.stuck = true;
  b.release();
  b.restart();
  CHECK(b.resources->holders() == std::set<std::string>{kVm});
  CHECK(b.host.parcels.size() == 2);
  b.host.stuck = false;
  b.release();
  b.release();
  CHECK(b.host.parcels.empty());
  CHECK(b.resources->holders().empty());
}

TEST_CASE("host resources: every resource may resolve a spec, check a spec and apply a change at once") {
  Fixture b;
  REQUIRE(test::run(b.runtime, b.resources->resolve(vm::NetworkChoice::bridge, b.spec)));
  CHECK(b.spec.network == vm::Network::bridge);
  REQUIRE(test::run(b.runtime, b.resources->resolve(vm::NetworkChoice::user, b.spec)));
  CHECK(b.spec.network == vm::Network::user);
  CHECK(b.resources->check(b.spec));
  b.spec.labels["no blue"] = "";
  CHECK(b.resources->check(b.spec).error().hint == "do without");
  auto after = b.spec;
  CHECK(*test::run(b.runtime, b.resources->change(kVm, b.spec, after)) == capabilities::TakesEffect::after_restart);
  after.labels["red"] = "";
  CHECK(*test::run(b.runtime, b.resources->change(kVm, b.spec, after)) == capabilities::TakesEffect::at_once);
}

TEST_CASE("host resources: gc finds leftovers of no VM, and the resource that found a leftover removes it") {
  Daemon d;
  REQUIRE(d.acquire());
  d.host.parcels.insert("blue of nobody");
  auto found = test::run(d.runtime, collect_garbage(d.services, d.fleet, true));
  REQUIRE(found);
  auto parcel = std::ranges::find(*found, "parcel", &Garbage::kind);
  REQUIRE(parcel != found->end());
  CHECK(parcel->path == "blue of nobody");
  REQUIRE(test::run(d.runtime, parcel->remove()));
  CHECK(d.host.parcels == std::set<std::string>{"blue of abcdefghijkl", "red of abcdefghijkl"});
}

TEST_CASE("host resources: doctor has a line from each resource") {
  Daemon d;
  auto checks = test::run(d.runtime, run_doctor(d.services, Verdicts::kept));
  for (const char* name : {"red", "blue"}) {
    auto check = std::ranges::find(checks, name, &capabilities::Check::name);
    REQUIRE(check != checks.end());
    CHECK(check->detail == "parcels work");
  }
}

TEST_CASE("host resources: resources of a removed VM are released after a daemon start") {
  Daemon d;
  REQUIRE(d.acquire());
  test::run(d.runtime, release_leftovers(d.services, d.fleet.registry()));
  CHECK(d.host.parcels.empty());
}
