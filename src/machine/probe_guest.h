// The guest that shows whether KVM runs guests under a VMM: a kernel with an init that prints a line and resets.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/child.h"
#include "host/runtime.h"

namespace banger::machine {

/// Whether KVM runs guests under one VMM.
struct KvmVerdict {
  bool usable = false;
  std::string reason;        ///< "runs guests", "a guest did not reach its init within 5s"
  std::string hint = {};     ///< a way out; may be empty
  std::string cpu = "host";  ///< QEMU's processor model with which guests run
};

/// The line that the init prints.
inline constexpr std::string_view kProbeWords = "banger-kvm-ok";

/// The init: a static x86-64 ELF of one page. It prints kProbeWords on the console and resets the machine.
std::string probe_init();

/// An initramfs with the init.
std::string probe_archive();

/// Runs a VMM's command line, whose standard output is the guest's console, until it ends or `limit` is over. Leaves no
/// process running, even if this process is killed. `confine` takes rights from the process. Call it on the control
/// thread.
Task<KvmVerdict> run_probe(host::Runtime& runtime, std::vector<std::string> command, std::chrono::milliseconds limit,
                           std::function<void(host::SpawnSpec&)> confine = {});

}  // namespace banger::machine
