// Does an accelerator run guests? Asked by running one: the kernel in question, with an init that says so and resets.
#pragma once

#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

/// What the init prints.
inline constexpr std::string_view kProbeWords = "banger-kvm-ok";

/// The init: a static x86-64 ELF of one page that prints kProbeWords on the console and resets the machine.
std::string probe_init();

/// The guts of probe_kvm for any accelerator and deadline. Nothing is left running.
Task<KvmVerdict> probe_guest(host::Runtime& runtime, const QemuFacts& qemu, std::string_view accelerator,
                             const std::string& kernel, const std::string& scratch_directory,
                             std::chrono::milliseconds limit);

}  // namespace banger::machine::qemu
