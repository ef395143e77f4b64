// `banger-agent apply`: makes a directory of files, or the running system, what a guest config says.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::roles::agent {

struct ApplyRequest {
  std::string root;  ///< "/": the running system
  std::string file;  ///< "-": standard input
  bool dry_run = false;
  bool detailed_exitcode = false;
};

/// The exit status of a detailed apply that changed something. 1 and 2 are those of errors.
inline constexpr int kChangedStatus = 3;

/// The exit status. A dry run prints what would change, one line for each file. It compares files only: with "/", not
/// the links, the mounts, the clock and run_once.
Result<int> apply(const ApplyRequest& request);

}  // namespace banger::roles::agent
