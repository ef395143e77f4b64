// Finds out whether an accelerator runs guests under QEMU, by running one (machine/probe_guest.h).
#pragma once

#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

/// What QEMU runs a guest with: "kvm" with "host", "tcg" with "qemu64".
struct Processor {
  std::string accelerator, cpu;
};

/// As probe_kvm, for any accelerator and deadline. Leaves no process running, even if this process is killed. Call it
/// on the control thread.
Task<KvmVerdict> probe_guest(host::Runtime& runtime, const QemuFacts& qemu, const Processor& processor,
                             const std::string& kernel, const std::string& scratch_directory,
                             std::chrono::milliseconds limit);

}  // namespace banger::machine::qemu
