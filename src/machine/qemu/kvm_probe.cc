#include "machine/qemu/kvm_probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "guestcfg/cpio.h"
#include "host/files.h"
#include "machine/cpu_model.h"
#include "machine/machine_log.h"
#include "machine/qemu/bounds.h"

namespace banger::machine::qemu {

namespace {

std::string probe_archive() {
  guestcfg::CpioWriter archive;
  archive.directory("dev");
  archive.device("dev/console", S_IFCHR | 0600, 5, 1);  // the kernel opens it as fds 0–2 of init
  archive.file("init", probe_init(), 0755);
  return std::move(archive).finish();
}

constexpr std::string_view kMachine =
    "-nodefaults -no-user-config -display none -no-reboot -M microvm,acpi=on,rtc=on,isa-serial=on -m 256M "
    "-chardev stdio,id=console,signal=off -serial chardev:console";

// The board of command_line.cc, with only a console.
std::vector<std::string> probe_command(const QemuFacts& qemu, std::string_view accelerator, const std::string& kernel,
                                       const std::string& initrd) {
  std::vector<std::string> command = {qemu.binary};
  for (auto word : split(kMachine, ' ')) command.emplace_back(word);
  bool kvm = accelerator == "kvm";
  auto clock = kvm ? "" : fmt::format(" tsc_early_khz={}", host_tsc_khz());
  command.insert(command.end(), {"-accel", std::string(accelerator), "-cpu", kvm ? "host" : "qemu64"});
  command.insert(command.end(),
                 {"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1 reboot=t" + clock});
  return command;
}

KvmVerdict judge(const Result<host::Output>& run, std::chrono::milliseconds limit) {
  if (!run && run.error().code == ErrorCode::timeout)
    return {false, fmt::format("a guest did not reach its init within {}", format_duration(limit))};
  if (!run) return {false, run.error().message};
  if (run->out.find(kProbeWords) != run->out.npos) return {true, "runs guests"};
  auto words = last_lines(run->err);
  return {false, words.empty() ? "a guest ended before it reached its init" : words};
}

std::string file_key(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return path;
  return fmt::format("{} {} {}.{}", path, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace

Task<KvmVerdict> probe_guest(host::Runtime& runtime, const QemuFacts& qemu, std::string_view accelerator,
                             const std::string& kernel, const std::string& scratch_directory,
                             std::chrono::milliseconds limit) {
  auto initrd = fmt::format("{}/kvm-probe.{}.img", scratch_directory, to_hex(host::random_bytes(8)));
  auto written = host::write_file(initrd, probe_archive());
  if (!written) co_return KvmVerdict{false, written.error().message};
  // No record leads to this QEMU, so it must not outlive the daemon, and a hanging guest must not burn a processor.
  host::SpawnSpec spec{.argv = probe_command(qemu, accelerator, kernel, initrd),
                       .env = {"LC_ALL=C"},
                       .cwd = "/",
                       .dies_with_starter = true,
                       .cpu_seconds = limits::kKvmProbeCpuSeconds};
  auto run = co_await host::run_command(runtime, std::move(spec), host::after(limit));
  (void)host::remove_file(initrd);
  co_return judge(run, limit);
}

Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const QemuFacts& qemu, const std::string& kernel,
                           const std::string& scratch_directory) {
  if (!qemu.kvm_built_in) co_return KvmVerdict{false, fmt::format("{} is built without KVM", qemu.binary)};
  if (auto device = host::open_file("/dev/kvm", O_RDWR); !device) co_return KvmVerdict{false, device.error().message};
  co_return co_await probe_guest(runtime, qemu, "kvm", kernel, scratch_directory, limits::kKvmProbeDeadline);
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
