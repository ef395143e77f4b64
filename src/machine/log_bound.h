// Limits the disk space of a machine's logs, while the VMM goes on writing them.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::machine {

/// When a log uses more than limits::kLogBytes on disk, frees all but the last limits::kLogKeptBytes. The beginning
/// becomes a hole, so every offset stays valid for the writer and for readers. On a file system without holes the whole
/// log is removed. True when something was removed. A missing log is fine. Blocking. Source: fallocate(2).
Result<bool> bound_log(const std::string& path);

/// Limits the logs of the machine in that directory.
void bound_logs(const std::string& directory);

/// The offset of the first text at or after `from` in an open log, after the part that bound_log() removed.
off_t first_text(int log, off_t from);

}  // namespace banger::machine
