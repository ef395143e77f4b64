// Starts a machine from a VM's record and the capabilities: makes the config, writes the journal, starts the process.
#pragma once

#include <optional>
#include <string>

#include "engine/stages.h"
#include "engine/vm/parts.h"

namespace banger::engine {

/// The parts of a machine's config that do not come from the capabilities.
struct MachineParts {
  std::string token;
  std::string reason;       ///< why this VMM was chosen
  bool metrics = false;     ///< the VMM collects metrics
  std::string memory_file;  ///< for a template that is being built; empty: memory has no file
  std::string kernel;
  std::vector<std::string> initrds;  ///< for a machine that boots
  struct Restore {
    vm::Spec spec;  ///< the saved spec; its processors and memory win over those of the record
    machine::SavedState state;
  };
  std::optional<Restore> restore;  ///< the machine continues from here instead of booting
};

/// `config` already contains the additions of the host resources. Pure, except for what the capabilities' hooks read.
Result<machine::MachineConfig> machine_config(const capabilities::VmContext& vm, const MachineParts& parts,
                                              machine::MachineConfig config = {});

struct Launch {
  Stages& stages;
  std::optional<store::SaveRow> save;  ///< the machine continues from here; nullopt: it boots
  std::string memory_file;
  RunningMachine::OnExit on_exit;
};
/// Afterwards the process runs, and the record names it. `config` already contains the additions of the host resources.
Task<Result<>> launch(VmParts& vm, const capabilities::VmContext& context, machine::MachineConfig config,
                      Launch launch);

}  // namespace banger::engine
