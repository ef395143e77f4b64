// What a prepare does in a guest that was prepared before. Pure.
#pragma once

#include <string>
#include <vector>

#include "workspace/manifest.h"

namespace banger::workspace {

struct Plan {
  std::vector<std::string> send;    ///< files of the host that the guest lacks, or has in an older version
  std::vector<std::string> remove;  ///< files that the host no longer has
  std::vector<std::string> in_way;  ///< work of the guest that this would overwrite
};

/// `prepared`: what the last prepare left there. `guest`: what is there now. `host`: what shall be there. A change of
/// the guest to a file that the host has not changed is kept, and is in nobody's way.
Plan plan_files(const FileStates& prepared, const FileStates& guest, const FileStates& host);

}  // namespace banger::workspace
