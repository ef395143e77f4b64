// Finds garbage: files, processes and host resources that no record in the store owns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/fleet/manager.h"
#include "engine/services.h"
#include "machine/live_machines.h"

namespace banger::engine {

struct Garbage {
  std::string kind;  ///< for people: "directory", "file", "process", "saved state", "cache", "image", "kernel",
                     ///< "build", "copy", or a host resource's own word
  std::string path;  ///< or "pid N", or a host resource's own name
  std::string reason;
  bool removed = false;
  std::function<Task<Result<>>()> remove;  ///< checks again first, because the item may have an owner by now
};

/// Whether the VM owns the machine. The token in the VM's record shows the owner. A VM that is neither stopped nor
/// suspended also owns every machine in its directory, because the daemon may not have adopted that machine yet.
bool owns(const store::VmRow& row, const machine::LiveMachine& machine);

/// True when the image has lost its name to a newer one, no VM uses the image, and its source can give it again.
bool is_orphan(const image::Image& image, const VmRegistry& vms);

/// Removes the image with this id if it is an orphan. Removes its templates first, because their clones would have no
/// root file system. Logs a failure; the next collect_garbage() finds the image again.
Task<> remove_orphan(Services& services, VmManager& vms, std::string id);

/// What happens to garbage that is found.
enum class Collect { list_only, remove };

/// Finds garbage, and removes it unless `collect` is Collect::list_only. Waits until the daemon has tried to recover
/// all VMs; `busy` when the recovery takes too long.
Task<Result<std::vector<Garbage>>> collect_garbage(Services& services, VmManager& vms, Collect collect);

}  // namespace banger::engine
