// The QEMU driver: microvm, under KVM where KVM really runs guests, else under TCG. Supports QEMU 7.2 to 10.x, and
// probes features. Source: QEMU's own documentation (qemu-system-x86_64(1), docs/system/i386/microvm.rst,
// docs/interop/qmp-spec).
#pragma once

#include "base/log.h"
#include "host/landlock.h"
#include "machine/files.h"
#include "machine/machine.h"
#include "machine/probe_guest.h"

namespace banger::machine::qemu {

struct QemuOptions {
  std::string binary;                ///< config `qemu_bin`; empty: qemu-system-x86_64 from PATH
  std::string path_variable;         ///< PATH to look the binary up in
  std::string accelerator = "auto";  ///< "auto", "kvm" or "tcg"
};

/// What the installed QEMU is and can do. The binary itself is asked, because versions do not tell.
struct QemuFacts {
  std::string binary;   ///< full path
  std::string version;  ///< "7.2.22 (Debian …)"
  bool microvm = false;
  bool kvm_built_in = false;
  bool tcg_built_in = false;
  bool sandbox = false;                    ///< built with seccomp: QEMU can confine itself
  bool landlock = false;                   ///< runs with no other files than `files` (cage.h)
  std::string kvm_cpu = "host";            ///< the processor model under KVM, from the verdict
  std::vector<host::FileRule> files = {};  ///< what it consists of; empty: not known
};

/// `not_found`, with a hint how to install QEMU, when there is none. `unsupported` without microvm.
Task<Result<QemuFacts>> probe_qemu(host::Runtime& runtime, const QemuOptions& options);

/// Runs `kernel` with a tiny initramfs under KVM until its init prints a line on the console, for at most
/// limits::kKvmProbeDeadline. Where the host refuses a part of `-cpu host`, the probe is repeated without that part.
/// Expensive when KVM hangs, so the caller caches the verdict for each boot of the host, VMM and kernel (key_of_probe).
/// REQUIRES: this user may open /dev/kvm.
Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const QemuFacts& qemu, const std::string& kernel,
                           const std::string& scratch_directory);
std::string key_of_probe(const QemuFacts& qemu, const std::string& kernel);

/// The key of everything that a saved state depends on: this binary, its processor model, this host's kernel.
std::string key_of_build(const QemuFacts& qemu, std::string_view accelerator);

/// `accelerator` is "kvm" or "tcg", never "auto".
std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, QemuFacts qemu, std::string accelerator);

// Descriptors of QEMU. QEMU runs in config.directory and uses the names of files.h relative to that directory, so a
// deep directory cannot overflow a socket address. The directory is private (0700), which keeps other users out.
inline constexpr int kQmpFd = 3, kLinkFd = 4;  ///< inherited listening sockets: they exist, mode 0600, before QEMU does
inline constexpr int kStateFd = 5;             ///< the saved state, if QEMU continues from one
inline constexpr int kFirstTapFd = 6;          ///< the taps of MachineConfig::taps, in order

/// The command line for a config. A pure function, so tests can read it. `tsc_khz` (host_tsc_khz) matters under TCG
/// only: microvm has no other clock that a kernel could calibrate by.
std::vector<std::string> command_line(const QemuFacts& qemu, std::string_view accelerator, const MachineConfig& config,
                                      std::uint64_t tsc_khz);

/// QMP's name of the drive at that index of MachineConfig::drives.
std::string drive_node(std::size_t index);

/// The rate of this host's time stamp counter, measured against CLOCK_MONOTONIC. Blocks for 20 ms.
std::uint64_t host_tsc_khz();

}  // namespace banger::machine::qemu
