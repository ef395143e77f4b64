// The agent's own file, to start more processes of it.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

/// The path of the file that runs. Not that of the link to it: the program's name picks its role (main.cc).
Result<std::string> own_program();

}  // namespace banger::roles::agent
