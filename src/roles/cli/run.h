// From a command line to an exit status.
#pragma once

#include "roles/cli/command.h"

namespace banger::roles::cli {

/// `words` are those after the program's name. Says every error and gives the status; never throws.
int run_line(Io& io, const std::vector<std::string>& words);

}  // namespace banger::roles::cli
