// The life of a VMM's cgroup: the journal, the limits, and the state after a crash.
#include "capabilities/vmm_cgroups.h"

#include "bridge/bridge_host.h"
#include "support/fake_cgroups.h"

using namespace banger;
using namespace banger::capabilities;
using banger::test::FakeCgroups;

namespace {

const std::string kGroup = std::string("/cg/user/banger/machines/") + kVm;

struct Fixture : BridgeHost {
  Fixture() { restart(); }
  void restart() {
    auto host = resource_host();
    host.cgroups = &tree;
    cgroups = std::make_unique<VmmCgroups>(host);
    REQUIRE(cgroups->load());
  }
  machine::MachineConfig acquire() {
    VmContext vm{.runtime = runtime, .log = log, .id = kVm, .spec = spec};
    machine::MachineConfig machine;
    REQUIRE(run(cgroups->acquire(vm, machine)));
    return machine;
  }

  FakeCgroups tree;
  vm::Spec spec{.vcpus = 2, .memory_bytes = 8ull << 30};
  std::unique_ptr<VmmCgroups> cgroups;
};

}  // namespace

TEST_CASE("cgroups: a VMM has a group with limits above its guest's, in the journal until it is gone") {
  Fixture f;
  auto machine = f.acquire();
  REQUIRE(machine.cgroup);
  CHECK(f.owners("cgroup") == std::vector<std::string>{kVm});
  auto limits = f.tree.groups[kGroup].limits;
  CHECK(limits["memory.max"] == std::to_string(10ull << 30));
  CHECK(limits["pids.max"] == "514");
  CHECK(limits["cpu.weight"] == "100");
  CHECK(f.cgroups->holders() == std::vector<std::string>{kVm});
  f.run(f.cgroups->release(kVm));
  CHECK(!f.tree.groups.contains(kGroup));
  CHECK(f.owners("cgroup").empty());
}

TEST_CASE("cgroups: a small VM has as much room beside its guest as a large one") {
  CHECK(share_of(1, 64ull << 20).memory_bytes == (1ull << 30) + (64ull << 20));
}

TEST_CASE("cgroups: a new daemon knows the groups, and sets the limits of a VM that it adopts again") {
  Fixture f;
  (void)f.acquire();
  f.run(f.cgroups->close());
  CHECK(f.tree.groups[kGroup].limits.empty());
  REQUIRE(f.tree.start_again("/user/banger"));
  f.restart();
  CHECK(f.cgroups->holders() == std::vector<std::string>{kVm});
  REQUIRE(f.run(f.cgroups->admit(kVm, f.spec)));
  CHECK(f.tree.groups[kGroup].limits.size() == 3);
  f.run(f.cgroups->release(kVm));
  CHECK(!f.tree.groups.contains(kGroup));
}

TEST_CASE("cgroups: a group that does not go is tried again by the next daemon, and gc lists it") {
  Fixture f;
  (void)f.acquire();
  f.tree.groups[kGroup].processes.insert(7);
  f.run(f.cgroups->release(kVm));
  CHECK(f.owners("cgroup") == std::vector<std::string>{"cgroup"});
  CHECK(f.cgroups->holders().empty());
  auto left = f.cgroups->leftovers();
  REQUIRE(left.size() == 1);
  CHECK(left[0].path == kGroup);
  CHECK(f.run(f.cgroups->remove(left[0])).error().code == ErrorCode::busy);
  f.tree.groups[kGroup].processes.clear();
  f.restart();
  CHECK(!f.tree.groups.contains(kGroup));
  CHECK(f.owners("cgroup").empty());
  CHECK(f.cgroups->leftovers().empty());
}

TEST_CASE("cgroups: a host without them runs VMs all the same, and doctor says why") {
  Fixture f;
  auto checks = f.run(f.cgroups->checks());
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].status == CheckStatus::pass);
  CHECK(checks[0].detail == "each VMM has one of its own below /cg/user/banger/machines: cpu, memory, pids");
  f.tree.absent = true;
  f.restart();
  CHECK(!f.acquire().cgroup);
  CHECK(f.owners("cgroup").empty());
  checks = f.run(f.cgroups->checks());
  CHECK(checks[0].status == CheckStatus::warn);
  CHECK(checks[0].detail.find("this host has no cgroups of version 2") != std::string::npos);
}

TEST_CASE("cgroups: a group that cannot be made is no failure of its VM") {
  Fixture f;
  f.tree.groups["/cg/user/banger/machines"].ours = false;
  CHECK(!f.acquire().cgroup);
  CHECK(f.cgroups->holders() == std::vector<std::string>{kVm});
  f.run(f.cgroups->release(kVm));
  CHECK(f.owners("cgroup").empty());
}
