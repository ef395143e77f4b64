// Finds out whether an accelerator runs guests, by running one: the given kernel, with an init that prints a line and
// resets.
#pragma once

#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

/// The line that the init prints.
inline constexpr std::string_view kProbeWords = "banger-kvm-ok";

/// The init: a static x86-64 ELF of one page. It prints kProbeWords on the console and resets the machine.
std::string probe_init();

/// As probe_kvm, for any accelerator and deadline. Leaves no process running, even if this process is killed. Call it
/// on the control thread.
Task<KvmVerdict> probe_guest(host::Runtime& runtime, const QemuFacts& qemu, std::string_view accelerator,
                             const std::string& kernel, const std::string& scratch_directory,
                             std::chrono::milliseconds limit);

}  // namespace banger::machine::qemu
