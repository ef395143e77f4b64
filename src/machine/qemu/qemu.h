// The QEMU driver: microvm under KVM where that truly runs a guest, else TCG. QEMU 7.2 to 10.x, features probed.
// Facts: QEMU's own documentation (qemu-system-x86_64(1), docs/system/i386/microvm.rst, docs/interop/qmp-spec).
#pragma once

#include "base/log.h"
#include "machine/files.h"
#include "machine/machine.h"

namespace banger::machine::qemu {

struct QemuOptions {
  std::string binary;                ///< config `qemu_bin`; empty: qemu-system-x86_64 from PATH
  std::string path_variable;         ///< PATH to look it up in
  std::string accelerator = "auto";  ///< "auto", "kvm" or "tcg"
};

/// What the installed QEMU is and can do; asked of the binary itself, not compared by version.
struct QemuFacts {
  std::string binary;   ///< full path
  std::string version;  ///< "7.2.22 (Debian …)"
  bool microvm = false;
  bool kvm_built_in = false;
  bool tcg_built_in = false;
  bool sandbox = false;  ///< built with seccomp: it can lock itself down
};

/// `not_found` (with how to install it) when there is none, `unsupported` without microvm.
Task<Result<QemuFacts>> probe_qemu(host::Runtime& runtime, const QemuOptions& options);

struct KvmVerdict {
  bool usable = false;
  std::string reason;  ///< "runs guests", "/dev/kvm: Permission denied", "a guest did not reach its init within 5s"
};

/// Runs `kernel` with a tiny initramfs under KVM until its init speaks on the console, within
/// limits::kKvmProbeDeadline. Expensive when KVM hangs: the caller caches the verdict per host boot, VMM and kernel
/// (key_of_probe).
Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const QemuFacts& qemu, const std::string& kernel,
                           const std::string& scratch_directory);
std::string key_of_probe(const QemuFacts& qemu, const std::string& kernel);

/// What a saved state depends on: this binary, the processor it shows its guest, this host's kernel.
std::string key_of_build(const QemuFacts& qemu, std::string_view accelerator);

/// `accelerator` is "kvm" or "tcg", already decided.
std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, QemuFacts qemu, std::string accelerator);

// What a QEMU is given beside its command line. It runs in config.directory, and the names of files.h are relative to
// that, so a deep directory cannot overflow a socket address. The directory is private (0700), which is what keeps
// others out.
inline constexpr int kQmpFd = 3, kLinkFd = 4;  ///< listening sockets it inherits: they exist, mode 0600, before it does
inline constexpr int kStateFd = 5;             ///< where it goes on from, if it does
inline constexpr int kFirstTapFd = 6;          ///< of MachineConfig::taps, in order

/// The command line for a config: a pure function, so tests can read it. `tsc_khz` (host_tsc_khz) matters under TCG
/// only: microvm has no other clock a kernel could calibrate by.
std::vector<std::string> command_line(const QemuFacts& qemu, std::string_view accelerator, const MachineConfig& config,
                                      std::uint64_t tsc_khz);

/// The name of the drive at that place of MachineConfig::drives, for QMP.
std::string drive_node(std::size_t index);

/// Rate of this host's time stamp counter, measured against CLOCK_MONOTONIC. Blocks for 20 ms.
std::uint64_t host_tsc_khz();

}  // namespace banger::machine::qemu
