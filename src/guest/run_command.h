// Running one of the guest config's commands in the guest, to its end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace banger::guest {

/// Runs argv with the usual PATH and `environment`. The command inherits stdout and stderr. Blocks for at most
/// limits::kRunOnceDeadline; then the command is killed. A non-zero exit is an error that names the command.
Result<> run_command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment);

}  // namespace banger::guest
