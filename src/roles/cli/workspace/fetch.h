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

/// Fetches the tree into the stage, where it is called "tree". `not_found` if there is none.
Result<> fetch_tree(Io& io, Daemon& daemon, const GuestPlace& place, const std::string& stage);

/// Gets the comparison of a fetched tree with the commit that was prepared, and the path of the stage. Blocking.
using CompareWork = std::function<Result<>(const workspace::Comparison& comparison, const std::string& stage,
                                           const workspace::StopFlag& stop)>;

/// Fetches the tree, and calls `work` on a thread. Ctrl-C ends both with `cancelled`. Nothing of the tree stays.
Result<> with_comparison(Io& io, Daemon& daemon, const GuestPlace& place, const CompareWork& work);

}  // namespace banger::roles::cli
