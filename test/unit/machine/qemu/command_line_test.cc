#include <algorithm>

#include "machine/qemu/qemu.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;

namespace {

using Words = std::vector<std::string>;

QemuFacts facts() {
  return {.binary = "/usr/bin/qemu-system-x86_64",
          .version = "7.2",
          .microvm = true,
          .kvm_built_in = true,
          .tcg_built_in = true,
          .sandbox = true};
}

MachineConfig example() {
  return {.id = "abcdefghijkl",
          .token = "f00d",
          .directory = "/d",
          .vcpus = 2,
          .memory_bytes = 512ull << 20,
          .kernel = "/k/vmlinux",
          .initrds = {"/c/agent.cpio"},
          .cmdline = "banger.x=1",
          .drives = {{.serial = "rootfs", .path = "/i/root.ext4", .read_only = true},
                     {.serial = "system", .path = "/d/system.img"}},
          .nics = {{.mac = "52:54:00:00:00:01", .forwards = {{"127.9.8.7", 2222, 22}}}}};
}

Words values_of(const Words& argv, std::string_view name) {
  Words values;
  for (std::size_t i = 0; i + 1 < argv.size(); ++i)
    if (argv[i] == name) values.push_back(argv[i + 1]);
  return values;
}

bool any_contains(const Words& words, std::string_view part) {
  return std::ranges::any_of(words, [&](const std::string& word) { return word.find(part) != word.npos; });
}

}  // namespace

TEST_CASE("command line: is a microvm with the asked shape, and the token to find it by") {
  auto argv = command_line(facts(), "tcg", example(), 2'700'000);
  CHECK(argv.front() == "/usr/bin/qemu-system-x86_64");
  CHECK(values_of(argv, "-M") == Words{"microvm,acpi=on,rtc=on,suppress-vmdesc=on,dump-guest-core=off,isa-serial=on"});
  CHECK(values_of(argv, "-smp") == Words{"2"});
  CHECK(values_of(argv, "-m") == Words{"512M"});
  CHECK(values_of(argv, "-kernel") == Words{"/k/vmlinux"});
  CHECK(values_of(argv, "-initrd") == Words{"initrd.img"});
  CHECK(any_contains(values_of(argv, "-name"), "f00d"));
}

TEST_CASE("command line: translated code has a limit") {
  CHECK(values_of(command_line(facts(), "tcg", example(), 2'700'000), "-accel") ==
        Words{"tcg,thread=multi,tb-size=256"});
}

TEST_CASE("command line: the kernel gets the counter's rate under TCG, and not under KVM") {
  auto tcg = values_of(command_line(facts(), "tcg", example(), 2'700'000), "-append").front();
  CHECK(tcg ==
        "console=ttyS0 quiet panic=-1 reboot=t tsc_early_khz=2700000 tsc=reliable no_timer_check "
        "noreplace-smp cryptomgr.notests banger.x=1");
  auto kvm = command_line(facts(), "kvm", example(), 2'700'000);
  CHECK(values_of(kvm, "-append").front() == "console=ttyS0 quiet panic=-1 reboot=t banger.x=1");
  CHECK(values_of(kvm, "-cpu") == Words{"host"});
  CHECK(values_of(kvm, "-accel") == Words{"kvm"});
}

TEST_CASE("command line: one CPU's counter is trusted too, for a busy host would make the kernel doubt it") {
  auto config = example();
  config.vcpus = 1;
  CHECK(any_contains(values_of(command_line(facts(), "tcg", config, 1), "-append"), "tsc=reliable"));
}

TEST_CASE(
    "command line: drives come in order, with serials; shared ones unlocked, writable ones locked and discarding") {
  auto argv = command_line(facts(), "tcg", example(), 1);
  CHECK(values_of(argv, "-blockdev") ==
        Words{"driver=file,node-name=disk0,read-only=on,locking=off,filename=/i/root.ext4",
              "driver=file,node-name=disk1,discard=unmap,filename=/d/system.img"});
  CHECK(any_contains(values_of(argv, "-device"), "virtio-blk-device,drive=disk0,serial=rootfs"));
  CHECK(any_contains(values_of(argv, "-device"), "virtio-blk-device,drive=disk1,serial=system,discard=on"));
}

TEST_CASE("command line: a block device is opened as one") {
  auto config = example();
  config.drives = {{.serial = "system", .path = "/dev/banger/x", .device = true}};
  CHECK(values_of(command_line(facts(), "tcg", config, 1), "-blockdev").front() ==
        "driver=host_device,node-name=disk0,discard=unmap,filename=/dev/banger/x");
}

TEST_CASE("command line: a comma in a path stays part of the path") {
  auto config = example();
  config.drives = {{.serial = "a,b", .path = "/x,read-only=off/y"}};
  auto argv = command_line(facts(), "tcg", config, 1);
  CHECK(values_of(argv, "-blockdev").front().ends_with("filename=/x,,read-only=off/y"));
  CHECK(any_contains(values_of(argv, "-device"), "serial=a,,b"));
}

TEST_CASE("command line: forwards listen on the asked address only, and a restricted guest is restricted") {
  auto config = example();
  CHECK(values_of(command_line(facts(), "tcg", config, 1), "-netdev") ==
        Words{"user,id=net0,ipv6=off,restrict=off,hostfwd=tcp:127.9.8.7:2222-10.0.2.15:22"});
  config.nics[0].restrict_outside = true;
  CHECK(any_contains(values_of(command_line(facts(), "tcg", config, 1), "-netdev"), "restrict=on"));
}

TEST_CASE("command line: taps are inherited descriptors, one after the other, behind the nics") {
  auto config = example();
  config.taps = {{.mac = "52:54:ac:10:00:02", .device = "bg-1"}, {.mac = "52:54:ac:10:00:03", .device = "bg-2"}};
  auto argv = command_line(facts(), "tcg", config, 1);
  auto backends = values_of(argv, "-netdev");
  REQUIRE(backends.size() == 3);
  CHECK(backends[1] == "tap,id=tap0,fd=6,vhost=off");
  CHECK(backends[2] == "tap,id=tap1,fd=7,vhost=off");
  CHECK(any_contains(values_of(argv, "-device"), "virtio-net-device,netdev=tap0,mac=52:54:ac:10:00:02"));
}

TEST_CASE("command line: no console means no serial port and no console= for the kernel") {
  auto config = example();
  config.console = false;
  auto argv = command_line(facts(), "tcg", config, 1);
  CHECK(values_of(argv, "-serial").empty());
  CHECK(any_contains(values_of(argv, "-M"), "isa-serial=off"));
  CHECK(values_of(argv, "-append").front().starts_with("quiet"));
}

TEST_CASE("command line: asks only for what this QEMU has") {
  auto old = facts();
  old.sandbox = false;
  auto argv = command_line(old, "tcg", example(), 1);
  CHECK(values_of(argv, "-sandbox").empty());
  CHECK(values_of(command_line(facts(), "tcg", example(), 1), "-sandbox").size() == 1);
}

TEST_CASE("command line: memory in a file is shared while a template is made, and private when one goes on from it") {
  auto config = example();
  config.memory_file = "/d/memory,1.img";
  auto made = command_line(facts(), "tcg", config, 1);
  CHECK(values_of(made, "-object") ==
        Words{"memory-backend-file,id=memory,size=512M,mem-path=/d/memory,,1.img,share=on"});
  CHECK(any_contains(values_of(made, "-M"), ",memory-backend=memory"));
  CHECK(values_of(made, "-kernel").size() == 1);
  CHECK(values_of(made, "-incoming").empty());

  config.memory_file.clear();
  config.restore = SavedState{.devices = "/s/devices", .memory = "/s/memory.img"};
  auto clone = command_line(facts(), "tcg", config, 1);
  CHECK(values_of(clone, "-object") ==
        Words{"memory-backend-file,id=memory,size=512M,mem-path=/s/memory.img,share=off"});
  CHECK(values_of(clone, "-incoming") == Words{"fd:5"});
  CHECK(values_of(clone, "-kernel").empty());
  CHECK(values_of(clone, "-append").empty());
  // The devices and their order are part of the state.
  CHECK(values_of(clone, "-device") == values_of(made, "-device"));
}

TEST_CASE("command line: no device lets a guest punch holes into the memory file other guests map") {
  CHECK(!any_contains(command_line(facts(), "tcg", example(), 1), "balloon"));
}

TEST_CASE("tsc: two measurements of the same counter agree") {
  auto first = host_tsc_khz(), second = host_tsc_khz();
  CHECK(first > 100'000);
  CHECK(std::max(first, second) - std::min(first, second) < first / 1000);
}

TEST_CASE("command line: under KVM the processor is the one with which the probe ran a guest") {
  auto qemu = facts();
  CHECK(values_of(command_line(qemu, "kvm", example(), 0), "-cpu") == Words{"host"});
  qemu.kvm_cpu = "host,-arch-capabilities";
  CHECK(values_of(command_line(qemu, "kvm", example(), 0), "-cpu") == Words{"host,-arch-capabilities"});
  CHECK(values_of(command_line(qemu, "tcg", example(), 0), "-cpu")[0].starts_with("qemu64"));
}
