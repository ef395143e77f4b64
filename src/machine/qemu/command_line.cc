#include <fmt/format.h>

#include "base/text.h"
#include "machine/qemu/bounds.h"
#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

namespace {

constexpr std::string_view kGuestAddress = "10.0.2.15";

// Today's distributions need more than qemu64. The additions make it x86-64-v2 (psABI), with the instructions for
// ciphers and random numbers, which TCG runs as single helpers.
constexpr std::string_view kTcgCpu = "qemu64,-svm,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq,+rdrand";

// Escapes a value inside an option list: QEMU reads a doubled comma as one comma.
std::string option(std::string_view value) {
  std::string escaped;
  for (char c : value) escaped.append(c == ',' ? 2 : 1, c);
  return escaped;
}

class Arguments {
 public:
  void add(std::string name) { list_.push_back(std::move(name)); }
  void add(std::string name, std::string value) {
    list_.push_back(std::move(name));
    list_.push_back(std::move(value));
  }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void add_process(Arguments& to, const QemuFacts& qemu, const MachineConfig& config) {
  to.add("-name", fmt::format("guest=banger-{}/{},debug-threads=off", option(config.id), option(config.token)));
  to.add("-nodefaults");
  to.add("-no-user-config");
  to.add("-display", "none");
  to.add("-no-reboot");
  to.add("-S");  // the guest starts only when the control channel is up, so its end is always reported
  if (qemu.sandbox) to.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

void add_board(Arguments& to, const QemuFacts& qemu, std::string_view accelerator, const MachineConfig& config) {
  bool kvm = accelerator == "kvm";
  // suppress-vmdesc: leaves out a description that saved states contain only for people.
  // dump-guest-core: no core file has the guest's memory, even if a program of the host collects core files.
  auto board = fmt::format("microvm,acpi=on,rtc=on,suppress-vmdesc=on,dump-guest-core=off,isa-serial={}",
                           config.console ? "on" : "off");
  auto memory = config.restore ? config.restore->memory : config.memory_file;
  if (!memory.empty()) {
    board += ",memory-backend=memory";
    to.add("-object", fmt::format("memory-backend-file,id=memory,size={}M,mem-path={},share={}",
                                  config.memory_bytes / limits::kMiB, option(memory), config.restore ? "off" : "on"));
  }
  to.add("-M", std::move(board));
  // By default QEMU keeps up to 1 GiB of translated code, however small the guest is.
  to.add("-accel",
         kvm ? "kvm" : fmt::format("tcg,thread=multi,tb-size={}", limits::kTranslatedCodeBytes / limits::kMiB));
  to.add("-cpu", kvm ? qemu.kvm_cpu : std::string(kTcgCpu));
  to.add("-smp", fmt::format("{}", config.vcpus));
  to.add("-m", fmt::format("{}M", config.memory_bytes / limits::kMiB));
}

// QEMU inherits listening sockets, so the sockets exist before QEMU, and their mode is never wider than 0600.
void add_channels(Arguments& to, const MachineConfig& config) {
  to.add("-chardev", fmt::format("socket,id=qmp,fd={},server=on,wait=off", kQmpFd));
  to.add("-mon", "chardev=qmp,mode=control");
  if (config.console) {
    to.add("-chardev", fmt::format("file,id=console,path={},append=on", kConsoleLog));
    to.add("-serial", "chardev:console");
  }
  to.add("-chardev", fmt::format("socket,id=link,fd={},server=on,wait=off", kLinkFd));
  to.add("-device", "virtio-serial-device,id=ports");
  to.add("-device", "virtserialport,bus=ports.0,chardev=link,name=banger.agent,id=link-port");
  // There is no balloon. QEMU frees a page by punching a hole into the memory file, even if the file is mapped
  // copy-on-write and serves other machines. A guest can inflate its balloon at any time.
  to.add("-device", "virtio-rng-device");
}

void add_drive(Arguments& to, const Drive& drive, std::size_t index) {
  // Many VMs share one read-only image, so the image is not locked. A writable one is locked by default.
  auto access = drive.read_only ? "read-only=on,locking=off" : "discard=unmap";
  auto node = drive_node(index);
  auto kind = drive.device ? "host_device" : "file";
  to.add("-blockdev", fmt::format("driver={},node-name={},{},filename={}", kind, node, access, option(drive.path)));
  // A write that fails, as on a full disk, pauses the guest instead of damaging its file system. The write is repeated
  // when the guest goes on.
  to.add("-device", fmt::format("virtio-blk-device,drive={},serial={}{}", node, option(drive.serial),
                                drive.read_only ? "" : ",discard=on,write-zeroes=on,werror=stop,rerror=report"));
}

void add_nic(Arguments& to, const UserNic& nic, std::size_t index) {
  auto backend = fmt::format("user,id=net{},ipv6=off,restrict={}", index, nic.restrict_outside ? "on" : "off");
  for (const auto& forward : nic.forwards)
    backend += fmt::format(",hostfwd=tcp:{}:{}-{}:{}", option(forward.host_address), forward.host_port, kGuestAddress,
                           forward.guest_port);
  to.add("-netdev", backend);
  to.add("-device", fmt::format("virtio-net-device,netdev=net{},mac={}", index, option(nic.mac)));
}

void add_tap(Arguments& to, const TapNic& nic, std::size_t index) {
  to.add("-netdev", fmt::format("tap,id=tap{},fd={},vhost=off", index, kFirstTapFd + index));
  to.add("-device", fmt::format("virtio-net-device,netdev=tap{},mac={}", index, option(nic.mac)));
}

std::string kernel_arguments(std::string_view accelerator, const MachineConfig& config, std::uint64_t tsc_khz) {
  // A panic must end the machine instead of leaving it hanging. The triple fault is the reset that every microvm
  // supports.
  std::string text = config.console ? "console=ttyS0 quiet panic=-1 reboot=t" : "quiet panic=-1 reboot=t";
  if (accelerator != "kvm") {
    // The kernel's watchdog would compare the counters of several CPUs with a missing clock. On a busy host it would
    // declare even the counter of a single CPU broken.
    text += fmt::format(" tsc_early_khz={} tsc=reliable no_timer_check", tsc_khz);
    // Each instruction that the kernel changes in its own code costs a translation, and each self-test of a cipher
    // costs more. Without both, a boot takes a seventh less processor time.
    text += " noreplace-smp cryptomgr.notests";
  }
  if (!config.cmdline.empty()) text += " " + config.cmdline;
  return text;
}

void add_boot(Arguments& to, std::string_view accelerator, const MachineConfig& config, std::uint64_t tsc_khz) {
  // The command that saves states leaves out the section that this option turns off (driver.cc).
  to.add("-global", "migration.send-configuration=off");
  if (config.restore) {
    // By default the guest announces its old address to its network five times, although the address is about to
    // change. One announcement is the minimum. With none, QEMU 7.2 crashes at power-off: its reset looks for a timer
    // that does not exist.
    to.add("-global", "migration.announce-rounds=1");
    to.add("-incoming", fmt::format("fd:{}", kStateFd));
    return;
  }
  to.add("-kernel", config.kernel);
  if (!config.initrds.empty()) to.add("-initrd", std::string(kInitrdFile));
  to.add("-append", kernel_arguments(accelerator, config, tsc_khz));
}

}  // namespace

std::string drive_node(std::size_t index) { return fmt::format("disk{}", index); }

std::vector<std::string> command_line(const QemuFacts& qemu, std::string_view accelerator, const MachineConfig& config,
                                      std::uint64_t tsc_khz) {
  Arguments arguments;
  arguments.add(qemu.binary);
  add_process(arguments, qemu, config);
  add_board(arguments, qemu, accelerator, config);
  add_channels(arguments, config);
  for (std::size_t i = 0; i < config.drives.size(); ++i) add_drive(arguments, config.drives[i], i);
  for (std::size_t i = 0; i < config.nics.size(); ++i) add_nic(arguments, config.nics[i], i);
  for (std::size_t i = 0; i < config.taps.size(); ++i) add_tap(arguments, config.taps[i], i);
  add_boot(arguments, accelerator, config, tsc_khz);
  return arguments.take();
}

}  // namespace banger::machine::qemu
