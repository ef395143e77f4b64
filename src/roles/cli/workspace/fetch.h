// The working tree of a guest, fetched into a private directory of this host. What the guest sends is data.
#pragma once

#include <functional>
#include <string>

#include "host/recorded_directory.h"
#include "roles/cli/workspace/guest.h"
#include "workspace/comparison.h"

namespace banger::roles::cli {

/// A private directory in the user's cache, also removed after a kill.
Result<host::RecordedDirectory> make_stage(const Io& io);

/// Gets the comparison of a fetched tree with a commit, and the path of the stage. Blocking.
using CompareWork = std::function<Result<>(const workspace::Comparison& comparison, const std::string& stage,
                                           const workspace::StopFlag& stop)>;

/// Fetches the tree, or only what this host does not have of it, and calls `work` on a thread. `base` is that of
/// workspace::Comparison. `not_found` if there is no tree. Ctrl-C ends all with `cancelled`. Nothing of the tree stays.
Result<> with_comparison(Io& io, Daemon& daemon, const GuestPlace& place, const std::string& base,
                         const CompareWork& work);

}  // namespace banger::roles::cli
