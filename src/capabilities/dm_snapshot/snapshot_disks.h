// The devices of VMs whose storage is "dm-snapshot" (capabilities/dm_snapshot/dm_snapshot.h): each stands from the
// start of its machine to the end. Recorded before it is made, forgotten when it is gone, so that a crash leaves none
// that nobody knows.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "capabilities/privileged.h"
#include "store/store.h"

namespace banger::capabilities {

class SnapshotDisks {
 public:
  SnapshotDisks(const Logger& log, store::Store& store, Privileged& privileged)
      : log_(log), store_(store), privileged_(privileged) {}

  /// Reads the journal; whose they are is asked with sweep().
  Result<> load();

  /// An error with the way out where this host cannot do it.
  Result<> check() const;
  /// The device of that VM is there afterwards, and was not in use.
  Task<Result<>> attach(std::string vm_id, std::string image, std::string disk, std::uint64_t size_bytes);
  /// It is not; what cannot be removed now is tried again by the next that asks. Fine when there is none.
  Task<Result<>> detach(std::string vm_id);

  /// Recorded ones.
  std::vector<std::string> recorded() const { return {made_.begin(), made_.end()}; }
  /// Those on this host that are ours by their mark and that no record is kept of.
  std::vector<std::string> strays() const;
  Task<Result<>> remove_stray(std::string vm_id);

 private:
  const Logger& log_;
  store::Store& store_;
  Privileged& privileged_;
  std::set<std::string> made_;  ///< ids of VMs; what the journal says
};

}  // namespace banger::capabilities
