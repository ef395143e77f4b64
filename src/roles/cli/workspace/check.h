// A command that runs in several guests at the same time, for its exit status.
#pragma once

#include <string>
#include <vector>

#include "roles/cli/workspace/guest.h"

namespace banger::roles::cli {

struct CheckResult {
  int status = 0;         ///< as in a shell
  std::string last_line;  ///< of its output, made safe for a terminal; empty: it printed nothing
};

/// Runs the words in each place, without input. The output is read, and only its last line is kept. The results have
/// the order of the places. `cancelled` after Ctrl-C, which ends all of them.
Result<std::vector<Result<CheckResult>>> run_checks(Io& io, const std::vector<GuestPlace>& places,
                                                    const std::vector<std::string>& words);

}  // namespace banger::roles::cli
