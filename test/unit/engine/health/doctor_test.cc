// The checks of doctor, with a fake VMM and the test's own images and kernels.
#include "engine/health/doctor.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture : test::Fixture {
  Check check(std::string_view name) {
    auto checks = run(run_doctor(daemon->services, Verdicts::kept));
    auto found = std::ranges::find(checks, name, &Check::name);
    REQUIRE(found != checks.end());
    return *found;
  }
};

}  // namespace

TEST_CASE("doctor: every failed check has a hint or a reason") {
  Fixture f;
  auto checks = f.run(run_doctor(f.daemon->services, Verdicts::kept));
  CHECK(checks.size() >= 11);
  for (const auto& check : checks) {
    INFO(check.name);
    CHECK_FALSE(check.detail.empty());
  }
}

TEST_CASE("doctor: without QEMU there are no VMs, unless the config names Firecracker") {
  Fixture f;
  CHECK(f.check("qemu").status == CheckStatus::fail);
  f.config.machine = config::MachineChoice::firecracker;
  CHECK(f.check("qemu").status == CheckStatus::pass);
}

TEST_CASE("doctor: a missing Firecracker matters only if the config names it") {
  Fixture f;
  CHECK(f.check("firecracker").status == CheckStatus::pass);
  f.config.firecracker_bin = "/no/such/firecracker";
  CHECK(f.check("firecracker").status == CheckStatus::warn);
  f.config.machine = config::MachineChoice::firecracker;
  CHECK(f.check("firecracker").status == CheckStatus::fail);
  f.config.machine = config::MachineChoice::qemu;
  CHECK(f.check("firecracker").status == CheckStatus::pass);
}

TEST_CASE("doctor: a configured Firecracker needs a KVM that Firecracker itself can use") {
  Fixture f;
  f.config.machine = config::MachineChoice::firecracker;
  auto& vmms = f.daemon->vmms;
  vmms.kvm_verdict = machine::KvmVerdict{.reason = "failed to set MSR 0x10a"};
  vmms.firecracker_verdict = machine::KvmVerdict{.usable = true, .reason = "runs guests"};
  CHECK(f.check("firecracker").status == CheckStatus::pass);
  CHECK(f.check("kvm").status == CheckStatus::warn);
  CHECK(f.check("kvm").hint.find("banger doctor --fix") != std::string::npos);
  vmms.firecracker_verdict = machine::KvmVerdict{.reason = "a guest did not reach its init within 5s"};
  CHECK(f.check("firecracker").status == CheckStatus::warn);
  vmms.firecracker_verdict = machine::KvmVerdict{.reason = "this user may not open /dev/kvm", .hint = "join kvm"};
  auto check = f.check("firecracker");
  CHECK(check.status == CheckStatus::fail);
  CHECK(check.detail.find("this user may not open /dev/kvm") != std::string::npos);
  CHECK(check.hint.starts_with("join kvm"));
}

TEST_CASE("doctor: a state directory that others can enter is a failure with a hint") {
  Fixture f;
  CHECK(f.check("state directory").status == CheckStatus::pass);
  REQUIRE(::chmod(f.paths.run().c_str(), 0755) == 0);
  auto check = f.check("state directory");
  CHECK(check.status == CheckStatus::fail);
  CHECK(check.hint.starts_with("chmod 700"));
  std::filesystem::remove_all(f.paths.run());
  CHECK(f.check("state directory").status == CheckStatus::fail);
}

TEST_CASE("doctor: stores that others can write to are a failure with a hint") {
  Fixture f;
  CHECK(f.check("image stores").status == CheckStatus::pass);
  REQUIRE(::chmod(f.paths.data.c_str(), 0777) == 0);
  auto check = f.check("image stores");
  CHECK(check.status == CheckStatus::fail);
  CHECK(check.hint == "chmod go-w " + f.paths.data);
}

TEST_CASE("doctor: the limits of this process are a line") {
  Fixture f;
  CHECK_FALSE(f.check("limits").detail.empty());
}

TEST_CASE("doctor: the default image exists, can be built, or is unknown") {
  Fixture f;
  f.config.default_image_name = "tiny";
  CHECK(f.check("default image").status == CheckStatus::pass);
  f.config.default_image_name = "host:5000/app";
  CHECK(f.check("default image").detail == "host:5000/app is not here yet; the first `vm run` pulls it");
  f.config.default_image_name = "none";
  auto check = f.check("default image");
  CHECK(check.status == CheckStatus::fail);
  CHECK(check.detail == "there is no image 'none' and no recipe for it");
}

TEST_CASE("doctor: a kernel without its modules is a warning") {
  Fixture f;
  CHECK(f.check("kernel").status == CheckStatus::warn);
}

TEST_CASE("doctor: the default sizes of a VM have their sources") {
  Fixture f;
  CHECK(f.check("vm defaults").detail.starts_with("1 vcpu (host)"));
  f.config.vm_defaults.vcpus = 3;
  CHECK(f.check("vm defaults").detail.starts_with("3 vcpu (config)"));
}
