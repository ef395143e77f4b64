// Keeping the logs of a machine from filling the disk, while a process that knows nothing of it goes on writing them.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::machine {

/// Once a log takes up more than limits::kLogBytes, gives back all of it but the last limits::kLogKeptBytes: the
/// beginning becomes a hole, and every offset stays what it was, for whoever writes and for whoever reads. Where a file
/// system has no holes all of it goes. True when something went. A log that is not there is fine. Blocking. Source:
/// fallocate(2).
Result<bool> bound_log(const std::string& path);

/// The logs of a machine in that directory.
void bound_logs(const std::string& directory);

/// Where the text of an open log begins that is to be shown from `from` on: behind what bound_log() took.
off_t first_text(int log, off_t from);

}  // namespace banger::machine
