// The manual pages, from the same descriptions as --help. The format is man(7).
#pragma once

#include <string>
#include <vector>

#include "roles/cli/commands.h"

namespace banger::roles::cli {

struct ManPage {
  std::string name;  ///< "banger-vm-run"; the name of the file is NAME.1
  std::string text;
};

/// banger.1, and one page for each group and for each command that is not hidden.
std::vector<ManPage> man_pages();

}  // namespace banger::roles::cli
