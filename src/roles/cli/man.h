// Manual pages from the same descriptions as --help; the format is man(7).
#pragma once

#include <string>
#include <vector>

#include "roles/cli/commands.h"

namespace banger::roles::cli {

struct ManPage {
  std::string name;  ///< "banger-vm-run"; the file is NAME.1
  std::string text;
};

/// banger.1, one for each group and one for each command that --help offers.
std::vector<ManPage> man_pages();

}  // namespace banger::roles::cli
