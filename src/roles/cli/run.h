// From a command line to an exit status.
#pragma once

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// `words` are the words after the program's name. Prints every error and returns the exit status. Never throws.
int run_line(Io& io, const std::vector<std::string>& words);

}  // namespace banger::roles::cli
