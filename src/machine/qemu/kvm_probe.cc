#include "machine/qemu/kvm_probe.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"
#include "machine/cpu_model.h"
#include "machine/qemu/cage.h"
#include "machine/vmm_binary.h"

namespace banger::machine::qemu {

namespace {

constexpr std::string_view kMachine =
    "-nodefaults -no-user-config -display none -no-reboot -M microvm,acpi=on,rtc=on,isa-serial=on -m 256M "
    "-chardev stdio,id=console,signal=off -serial chardev:console";

// The board of command_line.cc, with only a console.
std::vector<std::string> probe_command(const QemuFacts& qemu, const Processor& processor, const std::string& kernel,
                                       const std::string& initrd) {
  std::vector<std::string> command = {qemu.binary};
  for (auto word : split(kMachine, ' ')) command.emplace_back(word);
  auto clock = processor.accelerator == "kvm" ? "" : fmt::format(" tsc_early_khz={}", host_tsc_khz());
  command.insert(command.end(), {"-accel", processor.accelerator, "-cpu", processor.cpu});
  command.insert(command.end(),
                 {"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 reboot=t" + clock});
  return command;
}

}  // namespace

Task<KvmVerdict> probe_guest(host::Runtime& runtime, const QemuFacts& qemu, const Processor& processor,
                             const std::string& kernel, const std::string& scratch_directory,
                             std::chrono::milliseconds limit) {
  auto initrd = fmt::format("{}/kvm-probe.{}.img", scratch_directory, to_hex(host::random_bytes(8)));
  auto written = host::write_file(initrd, probe_archive());
  if (!written) co_return KvmVerdict{.reason = written.error().message};
  auto cage = Cage::of_probe(qemu, processor.accelerator, kernel, initrd);
  auto verdict = cage ? co_await run_probe(runtime, probe_command(qemu, processor, kernel, initrd), limit,
                                           [&](host::SpawnSpec& spec) { cage->confine(spec); })
                      : KvmVerdict{.reason = cage.error().sentence()};
  (void)host::remove_file(initrd);
  verdict.cpu = processor.cpu;
  co_return verdict;
}

// Some hosts let no guest write the register that goes with arch-capabilities, which `host` contains. Such hosts are
// often guests themselves. QEMU then ends at once.
Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const QemuFacts& qemu, const std::string& kernel,
                           const std::string& scratch_directory) {
  if (!qemu.kvm_built_in) co_return KvmVerdict{.reason = fmt::format("{} is built without KVM", qemu.binary)};
  auto verdict = co_await probe_guest(runtime, qemu, {.accelerator = "kvm", .cpu = "host"}, kernel, scratch_directory,
                                      limits::kKvmProbeDeadline);
  if (verdict.usable || verdict.reason.find("failed to set MSR") == verdict.reason.npos) co_return verdict;
  auto second = co_await probe_guest(runtime, qemu, {.accelerator = "kvm", .cpu = "host,-arch-capabilities"}, kernel,
                                     scratch_directory, limits::kKvmProbeDeadline);
  co_return second.usable ? second : verdict;
}

std::string key_of_build(const QemuFacts& qemu, std::string_view accelerator) {
  utsname host{};
  ::uname(&host);
  // Under KVM the guest uses the host's own processor model.
  std::string cpu(accelerator == "kvm" ? cpu_model() : "");
  return fmt::format("qemu\n{}\n{}\n{}\n{}\n{}\n", file_key(qemu.binary), qemu.version, accelerator, host.release, cpu);
}

std::string key_of_probe(const QemuFacts& qemu, const std::string& kernel) {
  auto boot = host::read_file("/proc/sys/kernel/random/boot_id", 256).value_or("");
  return host::sha256_hex(
      fmt::format("{}\n{}\n{}\n{}\n", trim(boot), file_key(qemu.binary), qemu.version, file_key(kernel)));
}

}  // namespace banger::machine::qemu
