// The Firecracker driver: KVM only, no user-mode network, versions 1.5 and later. Facts: Firecracker's own
// documentation (docs/, src/firecracker/swagger/firecracker.yaml).
#pragma once

#include "base/log.h"
#include "machine/files.h"
#include "machine/firecracker/version.h"
#include "machine/machine.h"

namespace banger::machine::firecracker {

struct FirecrackerOptions {
  std::string binary;         ///< config `firecracker_bin`; empty: firecracker from PATH
  std::string path_variable;  ///< PATH to look it up in
};

struct FirecrackerFacts {
  std::string binary;  ///< full path
  Version version;
  std::string snapshot_version;  ///< of the states it writes; empty where it does not tell (before 1.7)
  std::string sha256;            ///< of the binary: its states are for this very build
};

/// `not_found` when there is none, `unsupported` when it is none of the versions this driver speaks to.
Task<Result<FirecrackerFacts>> probe_firecracker(host::Runtime& runtime, const FirecrackerOptions& options);

/// What a saved state depends on: this binary, this host's processor and kernel.
std::string key_of_build(const FirecrackerFacts& facts);

/// A machine whose config has a jailer is started in a jail (jailed.h).
std::unique_ptr<Driver> make_driver(host::Runtime& runtime, const Logger& log, FirecrackerFacts facts);

// A Firecracker runs in config.directory, and all it opens in there has a relative name: a saved state holds the names
// of drives and sockets, and is loaded by machines in other directories. The directory is private (0700).
inline constexpr std::string_view kMetricsFile = "metrics.log";

/// Firecracker's command line. Its standard output is the guest's serial console.
std::vector<std::string> command_line(const std::string& binary, const MachineConfig& config);

/// "exit code 148 (a system call its seccomp filter forbids)"
std::string name_of_exit(int code);

}  // namespace banger::machine::firecracker
