// Uploads, each with a record on the system disk. If the agent or the guest is killed in the middle, a later agent
// finds the record, and removes what is not whole.
#pragma once

#include <string>

#include "host/record.h"
#include "roles/agent/context.h"
#include "tar/tar.h"

namespace banger::roles::agent {

/// Unpacks as tar::unpack_tree does, with a record in the directory `records`. An upload does not fail for want of a
/// record. Blocking.
Result<> unpack_recorded(const std::string& records, int tar_fd, const std::string& directory,
                         tar::UnpackOptions options);

/// Removes what killed agents left. A rest that cannot be removed keeps its record. Blocking.
void remove_abandoned_uploads(const std::string& records);

/// Waits until the guest has mounted its file systems, and then removes what killed agents left.
Task<> clean_up_uploads(ContextPtr context);

}  // namespace banger::roles::agent
