// One entry of [[file_sync]] as a tar stream for the agent. Blocking.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "capabilities/file_sync/host_tree.h"

namespace banger::capabilities {

/// The mode of a directory that leads to a synced object, if the guest lacks the directory. Hidden ones often hold
/// secrets.
mode_t parent_mode(std::string_view path);

struct PackedEntry {
  UniqueFd tar;  ///< at its beginning; not open if nothing travels
  SyncBudget left;
  std::vector<SyncedObject> objects;  ///< without the directories around the entry
  std::set<std::string> flawed;       ///< printable names of files that changed while they were read
};

/// Packs into a file without a name in `directory`, so that a slow guest holds no thread. An entry that does not fit
/// the budget fails as a whole.
Result<PackedEntry> pack_entry(const config::FileSync& entry, const HostFiles& host, SyncBudget budget,
                               const std::string& directory, SyncWarnings& warnings);

/// The same without content: what would travel.
Result<std::vector<SyncedObject>> list_entry(const config::FileSync& entry, const HostFiles& host, SyncBudget& budget,
                                             SyncWarnings& warnings);

}  // namespace banger::capabilities
