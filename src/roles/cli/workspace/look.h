// What a prepare finds in a guest. The agent tells what has changed (workspace/tree_report.h). An agent that cannot do
// that, in a guest that an older banger saved, sends the whole tree.
#pragma once

#include <future>
#include <string>
#include <vector>

#include "roles/cli/copy_report.h"
#include "roles/cli/workspace/guest.h"
#include "workspace/guest_tree.h"

namespace banger::roles::cli {

struct GuestLook {
  workspace::GuestTree tree;
  bool whole = true;  ///< `tree.files` has all files, and not only those that were prepared
};

/// What the agent tells about the tree; `files` has the files that were prepared. `unsupported` or `corrupt` from an
/// agent that cannot tell.
Result<workspace::GuestTree> report_of_guest(Io& io, const GuestPlace& place);

/// A report that is made on a thread, while the caller looks at the host. The destructor waits for the report.
class EarlyReport {
 public:
  EarlyReport(Io io, GuestPlace place);
  /// Waits for the report. REQUIRES: the first call.
  Result<workspace::GuestTree> take() { return report_.get(); }

 private:
  std::future<Result<workspace::GuestTree>> report_;
};

/// `told` is the agent's report. `invalid` if something else than a directory is there. An empty tree if nothing is
/// there.
Result<GuestLook> look_at_guest(Io& io, Daemon& daemon, const GuestPlace& place, Result<workspace::GuestTree> told,
                                CopyReport& report);

/// The states of these files; absent files have none.
Result<workspace::FileStates> look_at_files(Io& io, const GuestPlace& place, const std::vector<std::string>& names);

/// After an upload: the guest need not read what was sent when it is looked at again.
Result<> confirm_in_guest(Io& io, const GuestPlace& place);

}  // namespace banger::roles::cli
