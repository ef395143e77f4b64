// The Firecracker driver: KVM only, no user-mode network, version 1.5 or later. Source: Firecracker's own documentation
// (docs/, src/firecracker/swagger/firecracker.yaml).
#pragma once

#include "base/log.h"
#include "machine/files.h"
#include "machine/firecracker/version.h"
#include "machine/machine.h"
#include "machine/probe_guest.h"

namespace banger::machine::firecracker {

struct FirecrackerOptions {
  std::string binary;         ///< config `firecracker_bin`; empty: firecracker from PATH
  std::string path_variable;  ///< PATH to look the binary up in
};

struct FirecrackerFacts {
  std::string binary;  ///< full path
  Version version;
  /// version of the states that it writes; empty for versions before 1.7, which do not print it
  std::string snapshot_version;
  std::string sha256;  ///< of the binary: a saved state is valid only for exactly this build
};

/// `not_found` when there is no binary, `unsupported` for a version outside of this driver's range.
Task<Result<FirecrackerFacts>> probe_firecracker(host::Runtime& runtime, const FirecrackerOptions& options);

/// Runs `kernel` with a tiny initramfs until its init prints a line, without an API, for at most
/// limits::kKvmProbeDeadline. The caller caches the verdict for each boot of the host (key_of_probe). REQUIRES: this
/// user may open /dev/kvm.
Task<KvmVerdict> probe_kvm(host::Runtime& runtime, const FirecrackerFacts& facts, const std::string& kernel,
                           const std::string& scratch_directory);
std::string key_of_probe(const FirecrackerFacts& facts, const std::string& kernel);

/// The key of everything that a saved state depends on: this binary, this host's processor and kernel.
std::string key_of_build(const FirecrackerFacts& facts);

/// The driver. A machine with a jailer in its config is started in a jail (jail_client.h).
std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, FirecrackerFacts facts);

// Firecracker runs in config.directory and opens all files there by relative names. A saved state contains the names of
// drives and sockets, and is loaded by machines in other directories. The directory is private (0700).
inline constexpr std::string_view kMetricsFile = "metrics.log";

/// Firecracker's command line. Its standard output is the guest's serial console.
std::vector<std::string> command_line(const std::string& binary, const MachineConfig& config);

/// "exit code 148 (a system call that its seccomp filter forbids)"
std::string name_of_exit(int code);

}  // namespace banger::machine::firecracker
