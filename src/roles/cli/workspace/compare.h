// `vm workspace compare`: the work of several guests beside each other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "roles/cli/workspace/check.h"
#include "workspace/comparison.h"

namespace banger::roles::cli {

/// The work of one guest since the prepare.
struct ComparedVm {
  std::string vm;
  workspace::Changes changes;
  std::size_t commits = 0;
  std::optional<CheckResult> check;
  std::string error = {};  ///< why the work is not known; empty: it is
};

/// Looks at the work first, and then runs the words in all guests at the same time, if there are any. What goes wrong
/// with one guest is in its candidate. `cancelled` after Ctrl-C.
Result<std::vector<ComparedVm>> compare_workspaces(Io& io, const std::vector<GuestPlace>& places,
                                                   const std::vector<std::string>& words);

std::string text_of(const std::vector<ComparedVm>& candidates, Colours colours);
Json json_of(const std::vector<ComparedVm>& candidates);

}  // namespace banger::roles::cli
