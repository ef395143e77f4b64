// The host's side of all capabilities: the resulting machine config and guest config of a VM, and the disks that are
// made.
#include <sys/stat.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "capabilities/capability.h"
#include "catch.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "net/addresses.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture {
  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1};
  vm::Spec spec{.disk_bytes = 128 * limits::kMiB, .system_bytes = 256 * limits::kMiB};
  std::string seed;

  VmContext context(std::string id = "abcdefghijkl", std::uint32_t number = 7) {
    return {.runtime = runtime,
            .log = log,
            .id = std::move(id),
            .name = "web",
            .spec = spec,
            .directory = directory.path(),
            .rootfs = "/images/x/rootfs.ext4",
            .work_seed = seed,
            .kernel = "/k/vmlinux",
            .link_token = std::string(32, 'b'),
            .number = number,
            .first_boot = true};
  }

  guestcfg::GuestConfig guest_config(const VmContext& vm) {
    guestcfg::GuestConfig config;
    for (const Capability* capability : all())
      if (capability->guest) REQUIRE(capability->guest(vm, config));
    return config;
  }

  machine::MachineConfig machine_config(const VmContext& vm) {
    machine::MachineConfig config;
    for (const Capability* capability : all())
      if (capability->machine) REQUIRE(capability->machine(vm, config));
    return config;
  }

  std::string prepare(const VmContext& vm) {
    std::string outcome;
    runtime.spawn(prepare_all(vm, outcome));
    runtime.io().restart();
    runtime.run();
    return outcome;
  }

  static Task<> prepare_all(const VmContext& vm, std::string& outcome) {
    for (const Capability* capability : all()) {
      if (!capability->prepare) continue;
      auto prepared = co_await capability->prepare(vm);
      if (!prepared) outcome = prepared.error().sentence();
    }
  }

  std::uint64_t size(const std::string& name) {
    struct stat info{};
    return ::stat((directory / name).c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  }
};

}  // namespace

TEST_CASE("capabilities: the registry holds each once, disks first") {
  std::vector<std::string_view> names;
  for (const Capability* capability : all()) names.push_back(capability->name);
  CHECK(names == std::vector<std::string_view>{"system_disk", "work_disk",     "kernel_modules", "console",
                                               "identity",    "host_settings", "host_proxy",     "image_config",
                                               "secrets",     "network",       "bridge",         "dns_route",
                                               "dm_snapshot", "jail",          "vmm_cgroups",    "ssh",
                                               "agent_link",  "git_identity",  "guest_limits",   "file_sync"});
}

TEST_CASE_METHOD(Fixture, "capabilities: the machine has the drives where the guest config says") {
  auto vm = context();
  auto machine = machine_config(vm);
  auto guest = guest_config(vm);
  REQUIRE(machine.drives.size() == guest.disks.size());
  for (const auto& disk : guest.disks) CHECK(machine.drives[disk.index].serial == disk.serial);
  CHECK(machine.drives[0].read_only);
  CHECK(machine.drives[0].path == "/images/x/rootfs.ext4");
  CHECK_FALSE(machine.drives[1].read_only);
}

TEST_CASE_METHOD(Fixture,
                 "kernel modules: a VM that boots has those of its kernel, one that goes on those it was saved with") {
  auto vm = context();
  directory.put("first.ext4", "first");
  directory.put("second.ext4", "second");
  vm.modules = directory / "first.ext4";
  REQUIRE(prepare(vm) == "");
  auto machine = machine_config(vm);
  auto guest = guest_config(vm);
  REQUIRE(guest.disks.size() == 4);
  CHECK(guest.disks[3].role == guestcfg::Disk::Role::modules);
  CHECK(machine.drives.at(guest.disks[3].index).serial == guest.disks[3].serial);
  CHECK(machine.drives[3].read_only);
  CHECK(host::read_file(machine.drives[3].path, 100).value() == "first");
  // The kernel is pulled again: a machine of a saved state keeps its disk, and a boot gets the new one.
  vm.modules = directory / "second.ext4";
  vm.restores = true;
  REQUIRE(prepare(vm) == "");
  CHECK(host::read_file(machine.drives[3].path, 100).value() == "first");
  vm.restores = false;
  REQUIRE(prepare(vm) == "");
  CHECK(host::read_file(machine.drives[3].path, 100).value() == "second");
  vm.modules = "";
  REQUIRE(prepare(vm) == "");
  CHECK(machine_config(vm).drives.size() == 3);
}

TEST_CASE_METHOD(Fixture, "capabilities: with a plain root the image is no drive, and places still agree") {
  for (auto storage : {vm::Storage::copy, vm::Storage::dm_snapshot}) {
    spec.storage = storage;
    auto vm = context();
    auto machine = machine_config(vm);
    auto guest = guest_config(vm);
    REQUIRE(machine.drives.size() == 2);
    REQUIRE(guest.disks.size() == 2);
    for (const auto& disk : guest.disks) CHECK(machine.drives[disk.index].serial == disk.serial);
    CHECK(guest.disks[0].role == guestcfg::Disk::Role::system);
    CHECK(guest.disks[0].grow);
    bool device = spec.storage == vm::Storage::dm_snapshot;
    CHECK(machine.drives[0].device == device);
    CHECK(machine.drives[0].path == (device ? "/dev/banger/abcdefghijkl" : vm.directory + "/system.img"));
  }
}

TEST_CASE_METHOD(Fixture, "system disk: a copy is the image's file system with a journal, as large as it is to be") {
  spec.storage = vm::Storage::copy;
  auto vm = context();
  vm.rootfs = directory / "rootfs";
  REQUIRE(ext4::make_empty_ext4(
      vm.rootfs, {.label = "root", .size_bytes = 64 * limits::kMiB, .uuid_seed = "x", .journal = false}));
  REQUIRE(prepare(vm) == "");
  CHECK(size("system.img") == 256 * limits::kMiB);
  CHECK(ext4::check_ext4(directory / "system.img"));
  spec.system_bytes = 512 * limits::kMiB;
  REQUIRE(prepare(vm) == "");
  CHECK(size("system.img") == 512 * limits::kMiB);
  spec.storage = vm::Storage::dm_snapshot;
  std::filesystem::remove(directory / "system.img");
  REQUIRE(prepare(vm) == "");
  CHECK(size("system.img") > 512 * limits::kMiB);
  spec.system_bytes = 32 * limits::kMiB;
  CHECK_THAT(prepare(vm), Catch::Contains("smaller than the image's own 64M") && Catch::Contains("--system-size 64M"));
}

TEST_CASE_METHOD(Fixture, "work disk: a large seed fits or the error says which size does") {
  auto vm = context();
  vm.work_seed = directory / "large-seed";
  REQUIRE(ext4::make_empty_ext4(vm.work_seed, {.label = "w", .size_bytes = 700 * limits::kMiB, .uuid_seed = "w"}));
  spec.disk_bytes = 699 * limits::kMiB;
  CHECK_THAT(prepare(vm), Catch::Contains("smaller than the image's own /root of 700M") &&
                              Catch::Contains("use --disk-size 700M or more"));
  spec.disk_bytes = 800 * limits::kMiB;
  REQUIRE(prepare(vm) == "");
  CHECK(size("work.img") == 800 * limits::kMiB);
}

TEST_CASE_METHOD(Fixture, "capabilities: the guest config is valid on the wire, and nic and interface have one MAC") {
  spec.environment = {{"A", "b"}};
  auto vm = context();
  auto guest = guest_config(vm);
  auto back = guestcfg::from_json(guestcfg::to_json(guest, guestcfg::Contents::inline_data));
  REQUIRE(back);
  CHECK(back->link_token == vm.link_token);
  CHECK(back->environment == spec.environment);
  CHECK(back->entropy.size() == 128);
  auto machine = machine_config(vm);
  REQUIRE(machine.nics.size() == 1);
  CHECK(machine.nics[0].mac == guest.interfaces.at(0).mac);
  CHECK(machine.nics[0].mac == net::mac_address(7));
}

TEST_CASE_METHOD(Fixture, "capabilities: two VMs share no identity, one VM keeps its own") {
  auto first = guest_config(context()), again = guest_config(context()),
       second = guest_config(context("bbbbbbbbbbbb", 8));
  CHECK(first.machine_id == again.machine_id);
  CHECK(first.machine_id != second.machine_id);
  CHECK(first.machine_id[12] == '4');
  CHECK(first.entropy != again.entropy);
  CHECK(first.interfaces.at(0).mac != second.interfaces.at(0).mac);
}

TEST_CASE_METHOD(Fixture, "ssh: a VM has one host key from its first preparation on, and no other VM has it") {
  auto vm = context();
  CHECK_FALSE(guest_config(vm).ssh_host_key);
  directory.put("host_key", "-----BEGIN, and then a crash");
  REQUIRE(prepare(vm) == "");
  auto key = guest_config(vm).ssh_host_key;
  REQUIRE(key);
  CHECK_THAT(key->private_key, Catch::StartsWith("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
  CHECK_THAT(key->public_key, Catch::EndsWith(" root@web\n"));
  struct stat info{};
  REQUIRE(::stat((directory / "host_key").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  REQUIRE(prepare(vm) == "");
  CHECK(guest_config(vm).ssh_host_key->private_key == key->private_key);
  Fixture other;
  REQUIRE(other.prepare(other.context()) == "");
  CHECK(other.guest_config(other.context()).ssh_host_key->public_key != key->public_key);
}

TEST_CASE_METHOD(Fixture, "ssh: root in the guest accepts the owner's key, also before the VM has an identity") {
  auto vm = context();
  CHECK(guest_config(vm).keys.empty());
  vm.owner_key = "ssh-ed25519 AAAA";
  CHECK(guest_config(vm).keys == std::vector<guestcfg::UserKeys>{{"root", {"ssh-ed25519 AAAA banger"}}});
}

TEST_CASE_METHOD(Fixture, "network: without nat the machine is restricted and the guest has no way out") {
  spec.nat = false;
  auto vm = context();
  CHECK(machine_config(vm).nics.at(0).restrict_outside);
  auto interface = guest_config(vm).interfaces.at(0);
  CHECK(interface.address == "10.0.2.15/24");
  CHECK(interface.gateway.empty());
  CHECK(interface.dns.empty());
  CHECK(interface.search.empty());
  spec.nat = true;
  CHECK_FALSE(machine_config(vm).nics.at(0).restrict_outside);
  CHECK(guest_config(vm).interfaces.at(0).unreachable == std::vector<std::string>{"169.254.0.0/16"});
  vm.link_local = true;
  CHECK(guest_config(vm).interfaces.at(0).unreachable.empty());
  CHECK(guest_config(vm).interfaces.at(0).gateway == "10.0.2.2");
  CHECK(guest_config(vm).interfaces.at(0).dns.at(0) == "10.0.2.3");
}

TEST_CASE_METHOD(Fixture, "network: the policy none closes a user network, and no other network") {
  spec.egress = "none";
  auto vm = context();
  CHECK(machine_config(vm).nics.at(0).restrict_outside);
  CHECK(guest_config(vm).interfaces.at(0).gateway.empty());
  CHECK(guest_config(vm).interfaces.at(0).dns.empty());
  vm.port = NetworkPort{.mac = "52:54:ac:10:00:05", .address = "172.16.0.5/24", .gateway = "172.16.0.1", .dns = {}};
  spec.network = vm::Network::bridge;
  CHECK(guest_config(vm).interfaces.at(0).gateway == "172.16.0.1");
}

TEST_CASE_METHOD(Fixture,
                 "network: on a host resource's port the guest has what was leased, the way out only with nat") {
  auto vm = context();
  vm.port =
      NetworkPort{.mac = "52:54:ac:10:00:05", .address = "172.16.0.5/24", .gateway = "172.16.0.1", .dns = {"1.1.1.1"}};
  auto machine = machine_config(vm);
  CHECK(machine.nics.empty());
  CHECK(machine.taps.empty());
  auto interface = guest_config(vm).interfaces.at(0);
  CHECK(interface.mac == "52:54:ac:10:00:05");
  CHECK(interface.address == "172.16.0.5/24");
  CHECK(interface.gateway == "172.16.0.1");
  CHECK(interface.dns == std::vector<std::string>{"1.1.1.1"});
  // The host refuses what is closed to the guest.
  CHECK(interface.unreachable.empty());
  spec.nat = false;
  interface = guest_config(vm).interfaces.at(0);
  CHECK(interface.gateway.empty());
  CHECK(interface.dns.empty());
}

TEST_CASE_METHOD(Fixture, "disks: are made whole and empty, kept on repetition, grown but never shrunk") {
  auto vm = context();
  REQUIRE(prepare(vm) == "");
  CHECK(ext4::check_ext4(directory / "system.img"));
  CHECK(ext4::check_ext4(directory / "work.img"));
  CHECK(size("system.img") == spec.system_bytes);
  CHECK_FALSE(std::filesystem::exists(directory / "system.img.part"));
  struct stat before{}, after{};
  ::stat((directory / "system.img").c_str(), &before);

  directory.put("work.img.part", "what a crash left");
  spec.disk_bytes = 160 * limits::kMiB;
  spec.system_bytes = 128 * limits::kMiB;
  REQUIRE(prepare(vm) == "");
  ::stat((directory / "system.img").c_str(), &after);
  CHECK(before.st_ino == after.st_ino);
  CHECK(size("system.img") == 256 * limits::kMiB);
  CHECK(size("work.img") == 160 * limits::kMiB);
}

TEST_CASE_METHOD(Fixture, "work disk: starts as the image's seed at the size asked for, which must fit it") {
  seed = directory / "seed.ext4";
  REQUIRE(ext4::make_empty_ext4(seed, {.label = "seed", .size_bytes = 96 * limits::kMiB, .uuid_seed = "seed"}));
  auto vm = context();
  spec.disk_bytes = 64 * limits::kMiB;
  CHECK_THAT(prepare(vm), Catch::Contains("96M") && Catch::Contains("--disk-size 96M"));
  CHECK(size("work.img") == 0);
  spec.disk_bytes = 128 * limits::kMiB;
  CHECK(prepare(vm) == "");
  CHECK(size("work.img") == 128 * limits::kMiB);
}

TEST_CASE_METHOD(Fixture, "system disk: the check looks at the nearest directory that exists") {
  for (const Capability* capability : all()) {
    if (!capability->check) continue;
    CHECK(capability->check({.spec = spec, .state_directory = directory / "not/there/yet"}));
    auto full = capability->check({.spec = spec, .state_directory = "/proc/self"});
    REQUIRE_FALSE(full);
    CHECK(full.error().code == ErrorCode::exhausted);
    CHECK_FALSE(full.error().hint.empty());
  }
}

TEST_CASE_METHOD(Fixture, "host side: the image's variables are below those of the VM, and the rest is for commands") {
  spec.environment = {{"BOTH", "vm"}};
  auto vm = context();
  vm.run_config = {.env = {"BOTH=image", "PATH=/opt/bin", "broken"}, .cmd = {"serve"}, .user = "app"};
  auto guest = guest_config(vm);
  CHECK(guest.environment == std::map<std::string, std::string>{{"BOTH", "vm"}, {"PATH", "/opt/bin"}});
  CHECK(guest.image == guestcfg::RunConfig{.cmd = {"serve"}, .user = "app"});
}

TEST_CASE_METHOD(Fixture, "host side: variables of image and VM that are too long together are refused") {
  spec.environment = {{"A", std::string(70'000, 'x')}};
  auto vm = context();
  vm.run_config = {.env = {"B=" + std::string(70'000, 'x')}};
  guestcfg::GuestConfig config;
  Result<> result;
  for (const Capability* capability : all())
    if (capability->guest && result) result = capability->guest(vm, config);
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message, Catch::Contains("the variables of the image and the VM together"));
}

TEST_CASE_METHOD(Fixture,
                 "capabilities: a guest with secrets has placeholders, the certificate, and no hosts or values") {
  spec.secrets = {{.name = "TOKEN", .hosts = {"a.org"}}, {.name = "KEY", .hosts = {"b.org"}}};
  auto vm = context();
  vm.authority = "PEM";
  vm.run_config.env = {"TOKEN=of the image", "SSL_CERT_FILE=/opt/cas.pem"};
  auto guest = guest_config(vm);
  CHECK(guest.authority == "PEM");
  CHECK(guest.environment ==
        std::map<std::string, std::string>{{"TOKEN", "banger-secret-TOKEN"},
                                           {"KEY", "banger-secret-KEY"},
                                           {"SSL_CERT_FILE", "/opt/cas.pem"},
                                           {"REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt"},
                                           {"NODE_EXTRA_CA_CERTS", "/usr/local/share/ca-certificates/banger.crt"}});
}

TEST_CASE_METHOD(Fixture, "capabilities: a guest without secrets has neither variables nor a certificate") {
  auto vm = context();
  CHECK(guest_config(vm).environment.empty());
  CHECK(guest_config(vm).authority.empty());
}
