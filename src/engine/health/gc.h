// What nobody owns: found by looking at the outside world and subtracting what the store and the stores know.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/fleet/manager.h"
#include "engine/services.h"
#include "machine/live_machines.h"

namespace banger::engine {

struct Garbage {
  std::string kind;  ///< for people: "directory", "process", "saved state", "cache", "image", "kernel", "build", or
                     ///< what a host resource says
  std::string path;  ///< or "pid N", or the name that a host resource gives it
  std::string reason;
  bool removed = false;
  std::function<Task<Result<>>()> remove;  ///< looks again first: it may belong to somebody by now
};

/// A machine is a VM's by the token in its record. While the record says that the VM runs, or is on its way there or
/// back, whatever works in its directory is: the daemon may not have adopted it yet, or not be able to.
bool owns(const store::VmRow& row, const machine::LiveMachine& machine);

/// True when no name leads to it (a newer build took that) and no VM was made from it.
bool is_orphan(const image::Image& image, const VmRegistry& vms);

/// Removes the image with this id if it is one; a failure is logged, and the next collect_garbage finds it again.
/// Its templates go first: clones of them would have no root file system.
Task<> remove_orphan(Services& services, VmManager& vms, std::string id);

/// Lists leftovers and, unless `dry_run`, removes them. Waits until what the daemon found at its start was looked at;
/// `busy` when that takes too long.
Task<Result<std::vector<Garbage>>> collect_garbage(Services& services, VmManager& vms, bool dry_run);

}  // namespace banger::engine
