// The QEMU driver: microvm under KVM where that truly runs a guest, else TCG. QEMU 7.2 to 10.x, features probed.
// Facts: QEMU's own documentation (qemu-system-x86_64(1), docs/system/i386/microvm.rst, docs/interop/qmp-spec).
#pragma once

#include "base/log.h"
#include "machine/machine.h"

namespace banger::machine::qemu {

struct QemuOptions {
  std::string binary;        ///< config `qemu_bin`; empty: qemu-system-x86_64 from PATH
  std::string path_variable; ///< PATH to look it up in
  std::string accelerator = "auto";  ///< "auto", "kvm" or "tcg"
};

/// What the installed QEMU is and can do; asked of the binary itself, not compared by version.
struct QemuFacts {
  std::string binary;        ///< full path
  std::string version;       ///< "7.2.22 (Debian …)"
  bool microvm = false;
  bool kvm_built_in = false;
};

/// `not_found` (with how to install it) when there is none, `unsupported` without microvm.
Task<Result<QemuFacts>> probe_qemu(host::Runtime& runtime, const QemuOptions& options);

struct KvmVerdict {
  bool usable = false;
  std::string reason;   ///< "runs guests", "/dev/kvm: Permission denied", "a guest did not reach its init within 5s"
};

/// Runs `kernel` with a tiny initramfs under KVM until its init speaks on the console, within limits::kKvmProbeDeadline.
/// Expensive when KVM hangs: the caller caches the verdict per host boot, VMM and kernel (key_of_probe).
Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const QemuFacts& qemu, const std::string& kernel, const std::string& scratch_directory);
std::string key_of_probe(const QemuFacts& qemu, const std::string& kernel);

/// `accelerator` is "kvm" or "tcg", already decided.
std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, QemuFacts qemu, std::string accelerator);

/// The command line for a config: a pure function, so tests can read it.
std::vector<std::string> command_line(const QemuFacts& qemu, std::string_view accelerator, const MachineConfig& config, std::uint64_t tsc_khz);

}  // namespace banger::machine::qemu
