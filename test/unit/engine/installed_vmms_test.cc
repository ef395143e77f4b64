// Which VMM runs a VM and why, with programs that answer like QEMU and Firecracker.
#include "engine/installed_vmms.h"

#include <unistd.h>

#include "catch.h"
#include "host/files.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;

namespace {

constexpr NetworkNeeds kUserMode{.user_mode = true, .outside = true};
constexpr NetworkNeeds kAlone{.user_mode = true, .outside = false};
constexpr NetworkNeeds kBridge{.user_mode = false, .outside = true};

struct Fixture {
  Fixture() {
    paths.state = directory / "state";
    REQUIRE(host::make_private_directory(paths.state));
    REQUIRE(host::make_private_directory(paths.run()));
    store = std::move(*store::Store::open(paths.database()));
    vmms.emplace(runtime, log, paths, config, *store, directory / "bin",
                 HostKvm{.device = [this] { return device; }, .may_jail = true});
  }
  void install(const std::string& name, const std::string& script) const {
    REQUIRE(host::make_private_directory(directory / "bin"));
    REQUIRE(host::write_file(directory / "bin/" + name, "#!/bin/sh\n" + script, 0755));
  }
  /// A QEMU without KVM support, so that no probe runs.
  void install_qemu(const std::string& accelerator = "tcg") const {
    install("qemu-system-x86_64", R"sh(case "$*" in
-version) echo 'QEMU emulator version 8.0.0';;
"-M help") echo 'microvm              microvm (i386)';;
"-accel help") printf 'Accelerators supported in QEMU binary:\n)sh" +
                                      accelerator + R"sh(\n';;
-sandbox*) exit 1;;
*) echo qemu >>)sh" + probes() + R"sh(; echo 'failed to set MSR 0x10a' >&2; exit 1;;
esac)sh");
  }
  /// A Firecracker under which KVM runs guests, unless it is told otherwise.
  void install_firecracker(const std::string& probe = "echo banger-kvm-ok") const {
    install("firecracker", "case \"$1\" in --no-api) echo firecracker >>" + probes() + "; " + probe +
                               ";; *) echo 'Firecracker v1.7.0';; esac\n");
  }
  std::string probes() const { return directory / "probes"; }
  std::string probed() const { return host::read_file(probes(), 1000).value_or(""); }

  template <class T>
  T run(Task<T> task) {
    return test::run(runtime, std::move(task));
  }
  Result<Choice> decide(NetworkNeeds network) { return run(vmms->decide("/kernel", network)); }

  test::TempDir directory;
  host::Paths paths;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  config::Config config;
  std::unique_ptr<store::Store> store;
  KvmDevice device{.state = KvmDevice::State::absent, .reason = "this host has no /dev/kvm", .hint = "a VM"};
  std::optional<InstalledVmms> vmms;
};

const KvmDevice kOpen{.state = KvmDevice::State::open, .reason = "", .hint = ""};
const KvmDevice kClosed{.state = KvmDevice::State::closed, .reason = "it is closed", .hint = "open it"};

}  // namespace

TEST_CASE("installed vmms: without QEMU and Firecracker no VM can start, and the error has a hint") {
  Fixture f;
  auto driver = f.run(f.vmms->choose("/kernel", kUserMode));
  REQUIRE_FALSE(driver);
  CHECK(driver.error().code == ErrorCode::not_found);
  CHECK_FALSE(driver.error().hint.empty());
}

TEST_CASE("installed vmms: a user-mode network needs QEMU, whatever else is installed") {
  Fixture f;
  f.install_qemu();
  f.install_firecracker();
  auto choice = f.decide(kUserMode);
  REQUIRE(choice);
  CHECK(choice->vmm == Choice::Vmm::qemu);
  CHECK(choice->why == "Firecracker has no user-mode network");
  auto driver = f.run(f.vmms->choose("/kernel", kUserMode));
  INFO((driver ? "" : driver.error().sentence()));
  REQUIRE(driver);
  CHECK((*driver)->name() == "qemu");
}

TEST_CASE("installed vmms: the config's machine wins over the installed ones") {
  Fixture f;
  f.install_qemu();
  f.install_firecracker();
  f.config.machine = config::MachineChoice::qemu;
  CHECK(f.decide(kBridge)->vmm == Choice::Vmm::qemu);
  f.config.machine = config::MachineChoice::firecracker;
  CHECK(f.decide(kBridge)->vmm == Choice::Vmm::firecracker);
  CHECK(f.decide(kAlone)->vmm == Choice::Vmm::firecracker);
}

TEST_CASE("installed vmms: a configured Firecracker must be installed, and has no user-mode network") {
  Fixture f;
  f.config.machine = config::MachineChoice::firecracker;
  CHECK(f.decide(kBridge).error().code == ErrorCode::not_found);
  f.install_firecracker();
  auto choice = f.decide(kUserMode);
  REQUIRE_FALSE(choice);
  CHECK(choice.error().code == ErrorCode::unsupported);
  CHECK_FALSE(choice.error().hint.empty());
}

TEST_CASE("installed vmms: without Firecracker QEMU is chosen, for that reason") {
  Fixture f;
  f.install_qemu();
  auto choice = f.decide(kBridge);
  REQUIRE(choice);
  CHECK(choice->vmm == Choice::Vmm::qemu);
  CHECK(choice->why.find("irecracker") != std::string::npos);
}

TEST_CASE("installed vmms: a recorded machine is adopted even if its program is gone") {
  Fixture f;
  auto qemu = f.run(f.vmms->for_record({.driver = "qemu", .accelerator = "tcg"}));
  REQUIRE(qemu);
  CHECK((*qemu)->name() == "qemu");
  auto firecracker = f.run(f.vmms->for_record({.driver = "firecracker"}));
  REQUIRE(firecracker);
  CHECK((*firecracker)->name() == "firecracker");
  CHECK(f.run(f.vmms->for_record({.driver = "other"})).error().code == ErrorCode::unsupported);
}

TEST_CASE("installed vmms: each program is probed once") {
  Fixture f;
  f.install_qemu();
  REQUIRE(f.run(f.vmms->qemu()));
  REQUIRE(host::remove_file(f.directory / "bin/qemu-system-x86_64"));
  CHECK(f.run(f.vmms->qemu())->version == "8.0.0");
}

TEST_CASE("installed vmms: each VMM has its own verdict about KVM, and keeps it") {
  Fixture f;
  f.device = kOpen;
  f.install_qemu("kvm\\ntcg");
  f.install_firecracker();
  for (int round = 0; round < 2; ++round) {
    auto qemu = f.run(f.vmms->kvm("/kernel")), firecracker = f.run(f.vmms->firecracker_kvm("/kernel"));
    REQUIRE(qemu);
    REQUIRE(firecracker);
    CHECK(!qemu->usable);
    CHECK(qemu->reason.find("failed to set MSR") != std::string::npos);
    CHECK(firecracker->usable);
  }
  CHECK(f.probed() == "qemu\nqemu\nfirecracker\n");  // QEMU was tried with two processor models
  CHECK(f.decide(kBridge)->vmm == Choice::Vmm::firecracker);
  REQUIRE(f.run(f.vmms->forget_kvm("/kernel")));
  CHECK(f.run(f.vmms->firecracker_kvm("/kernel"))->usable);
  CHECK(f.probed().ends_with("firecracker\nfirecracker\n"));
}

TEST_CASE("installed vmms: the processor model of the verdict is kept with it") {
  Fixture f;
  f.device = kOpen;
  f.install("qemu-system-x86_64", R"sh(case "$*" in
-version) echo 'QEMU emulator version 8.0.0';;
"-M help") echo 'microvm              microvm (i386)';;
"-accel help") printf 'kvm\n';;
*"-cpu host,-arch-capabilities"*) echo banger-kvm-ok;;
*) echo 'failed to set MSR 0x10a' >&2; exit 1;;
esac)sh");
  for (int round = 0; round < 2; ++round) {
    auto verdict = f.run(f.vmms->kvm("/kernel"));
    REQUIRE(verdict);
    CHECK(verdict->usable);
    CHECK(verdict->cpu == "host,-arch-capabilities");
  }
  CHECK(f.run(f.vmms->choose("/kernel", kUserMode)));
}

TEST_CASE("installed vmms: with the config's auto, Firecracker needs no QEMU, but a KVM that runs its guests") {
  Fixture f;
  f.device = kOpen;
  f.install_firecracker();
  CHECK(f.decide(kBridge)->vmm == Choice::Vmm::firecracker);
  Fixture broken;
  broken.device = kOpen;
  broken.install_firecracker("echo 'Error: no' >&2; exit 1");
  auto choice = broken.decide(kBridge);
  CHECK(choice->vmm == Choice::Vmm::qemu);
  CHECK(choice->why.find("Error: no") != std::string::npos);
}

TEST_CASE("installed vmms: in a jail a device that this user may not open counts as usable") {
  Fixture f;
  f.install_firecracker();
  f.device = kClosed;
  auto without = f.run(f.vmms->firecracker_kvm("/kernel"));
  REQUIRE(without);
  CHECK(!without->usable);
  CHECK(without->reason == "it is closed");
  CHECK(without->hint == "open it");
  CHECK(f.decide(kBridge)->vmm == Choice::Vmm::qemu);
  f.config.jailer_enabled = true;
  CHECK(f.run(f.vmms->firecracker_kvm("/kernel"))->usable);
  CHECK(f.decide(kBridge)->vmm == Choice::Vmm::firecracker);
  f.device.state = KvmDevice::State::absent;
  CHECK(!f.run(f.vmms->firecracker_kvm("/kernel"))->usable);
  CHECK(f.probed().empty());
}
