// Replaces the disks of a VM without a machine by the disks of a saved state: all of them or none, whenever a crash
// comes.
//
//   stage ──► the caller records State::restoring ──► switch
//
// Staging makes copies in a directory beside the disks. Before the record, remove_leftovers() undoes everything. After
// the record, the switch is repeated until it succeeds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::engine {

/// Steps that run in order, and that block. Each step has its whole effect or none, or may be repeated.
using DiskSteps = std::vector<std::function<Result<>()>>;

/// `saved`: the directory of the saved state. `own`: the VM's directory. Afterwards the copies survive a power failure.
DiskSteps steps_to_stage(const std::string& saved, const std::string& own);
/// Without copies, these steps do nothing.
DiskSteps steps_to_switch(const std::string& own);
Result<> carry_out(const DiskSteps& steps);

/// What an interrupted operation left in the VM's directory: paths that end with ".part" or ".tmp".
std::vector<std::string> leftovers(const std::string& own);
/// Blocks. No operation may be at work in the directory.
Result<> remove_leftovers(const std::string& own);

}  // namespace banger::engine
