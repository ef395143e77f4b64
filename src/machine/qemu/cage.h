// The cage of a QEMU process: what the process keeps of its owner's rights, should its guest take it over. QEMU's own
// filter of system calls (-sandbox) is the other half. docs/security.md lists what is left.
#pragma once

#include "host/confine.h"
#include "host/landlock.h"
#include "machine/qemu/qemu.h"

namespace banger::machine::qemu {

/// The files that this QEMU consists of, for QemuFacts::files: its libraries, its firmware, and what it asks of the
/// host. Empty when `binary` is not in a directory `bin`, because nothing shows then where its parts are.
std::vector<host::FileRule> files_of(const std::string& binary);

/// Whether the machine's network is one that QEMU makes sockets for.
bool makes_sockets(const MachineConfig& config);

/// The files that a machine opens by name. Everything else a machine inherits or receives as a descriptor: sockets,
/// taps, its log, the saved states.
host::Ruleset rules_of(const QemuFacts& facts, std::string_view accelerator, const MachineConfig& config);

class Cage {
 public:
  /// The cage of a machine. Without facts.landlock the cage has no rules for files.
  static Result<Cage> make(const QemuFacts& facts, std::string_view accelerator, const MachineConfig& config);
  /// The cage of a QEMU that is only asked what it can do. `files` are those of files_of(). `unsupported` without
  /// Landlock.
  static Result<Cage> of_questions(const std::vector<host::FileRule>& files);

  /// The cage of the KVM probe (kvm_probe.h).
  static Result<Cage> of_probe(const QemuFacts& facts, std::string_view accelerator, const std::string& kernel,
                               const std::string& initrd);

  /// Confines the process of `spec`, which must not be started after the end of this object.
  void confine(host::SpawnSpec& spec) const;

 private:
  explicit Cage(host::VmmSockets sockets) : sockets_(sockets) {}
  host::VmmSockets sockets_;
  UniqueFd rules_;
};

}  // namespace banger::machine::qemu
