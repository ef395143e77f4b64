// Brings the files of [[file_sync]] into a guest over its link, as `vm cp` brings files: each is whole or not there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "capabilities/file_sync/host_tree.h"
#include "host/runtime.h"
#include "link/link.h"

namespace banger::capabilities {

/// One sync. The caller keeps what is borrowed until the end.
struct FileSyncJob {
  host::Runtime& runtime;
  link::Client& client;
  HostFiles files;
  std::string directory;           ///< private; for packed entries, which have no names there
  std::function<bool()> given_up;  ///< true when the caller no longer waits
};

struct FileSyncReport {
  std::size_t files = 0;  ///< without directories
  std::uint64_t bytes = 0;
  std::vector<std::string> warnings;
};

/// Sends entry after entry. An entry that fails is a warning, and the next one follows. Errors: `cancelled` when the
/// caller has given up; `timeout` and `unavailable` when the guest does not answer any more.
Task<Result<FileSyncReport>> sync_files(FileSyncJob job);

struct FileSyncPlan {
  std::vector<SyncedObject> objects;
  std::vector<std::string> warnings;
};
/// What sync_files() would send. Blocking.
FileSyncPlan plan_sync(const HostFiles& files);

}  // namespace banger::capabilities
