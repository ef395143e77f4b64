// From a VM's record and the capabilities to a machine that runs: the config, its journal, the start.
#pragma once

#include <optional>
#include <string>

#include "engine/stages.h"
#include "engine/vm/parts.h"

namespace banger::engine {

/// What a machine is made of beside what the capabilities add.
struct MachineParts {
  std::string token;
  std::string reason;       ///< why this VMM and no other
  bool metrics = false;     ///< the VMM is to count
  std::string memory_file;  ///< of a template in the making; empty: memory has no file
  std::string kernel;
  std::vector<std::string> initrds;  ///< of one that boots
  struct Restore {
    vm::Spec spec;  ///< processors and memory are those that were saved, whatever the record says by now
    machine::SavedState state;
  };
  std::optional<Restore> restore;  ///< it goes on from here instead
};

/// `config` has what the host's resources have added. Pure but for what capabilities' hooks read.
Result<machine::MachineConfig> machine_config(const capabilities::VmContext& vm, const MachineParts& parts,
                                              machine::MachineConfig config = {});

struct Launch {
  Stages& stages;
  std::optional<store::SaveRow> save;  ///< what it goes on from; nullopt: it boots
  std::string memory_file;
  RunningMachine::OnExit on_exit;
};
/// The process runs afterwards, and the record has it. `config` has what the host's resources have added.
Task<Result<>> launch(VmParts& vm, const capabilities::VmContext& context, machine::MachineConfig config,
                      Launch launch);

}  // namespace banger::engine
