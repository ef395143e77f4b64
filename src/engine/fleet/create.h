// How a VM comes to be: its record, the template it is a clone of, a machine of the ready pool instead of a new one,
// and the undoing of what failed.
#pragma once

#include <memory>
#include <string>

#include "engine/fleet/host_memory.h"
#include "engine/fleet/pool.h"
#include "engine/fleet/registry.h"
#include "engine/fleet/templates.h"

namespace banger::engine {

struct CreateRequest {
  std::string name;  ///< empty: one is made up
  vm::Spec spec;     ///< complete
  bool start = true;
  WaitFor wait = WaitFor::agent;
  bool cold = false;       ///< boot, whatever templates there are
  std::string from;        ///< id of a saved state with disks: a snapshot or what a fork made; empty: none
  bool ephemeral = false;  ///< to be removed when its client goes; the next daemon does if this one cannot
};

/// What a VM is recorded as before anything of it exists.
struct NewVm {
  std::string name;
  store::Purpose purpose = store::Purpose::user;
  std::string image_id, kernel, save_id;
  vm::Spec spec;
  bool ephemeral = false;
};

/// Writes the record, with the journal entry of its directory, and adds the VM to the registry.
Result<std::shared_ptr<VmOwner>> record_vm(Services& services, VmRegistry& registry, NewVm what);

/// Whether a running machine of this template reaches what a VM of that spec is to reach. The bridge can change it for
/// a machine that runs; a VMM's own network is fixed when its machine starts.
bool same_reach(const vm::Spec& wanted, const vm::Spec& of_template);
/// Whether its block devices have the sizes that the spec needs. The size of a device-mapper device is fixed when its
/// machine starts; the guest can grow the others.
bool same_device_sizes(const vm::Spec& wanted, const vm::Spec& of_template);

class VmCreation {
 public:
  VmCreation(Services& services, VmRegistry& registry, const HostMemory& memory, Templates& templates, Pool& pool)
      : services_(services), registry_(registry), memory_(memory), templates_(templates), pool_(pool) {}

  /// Undone when it fails or is cancelled before the guest was started; a guest that does not come up is kept, stopped.
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);

 private:
  /// The record of the VM, and whose disks it begins with; empty: those of its image.
  struct Origin {
    NewVm record;
    std::string disks_of;
  };
  Result<> check(const CreateRequest& request) const;
  Task<Result<Origin>> find_origin(const CreateRequest& request, Stages& stages, host::Cancel& cancel);
  Task<Result<std::string>> choose_template(const CreateRequest& request, const image::Image& image,
                                            const image::Kernel& kernel, Stages& stages, host::Cancel& cancel);
  Task<std::shared_ptr<VmOwner>> take_from_pool(const CreateRequest& request, const NewVm& record, Stages& stages);
  Task<Result<>> bring_up(std::shared_ptr<VmOwner> vm, const CreateRequest& request, std::string disks_of,
                          Stages& stages, host::Cancel& cancel);
  Task<Result<>> undo(std::shared_ptr<VmOwner> vm);

  Services& services_;
  VmRegistry& registry_;
  const HostMemory& memory_;
  Templates& templates_;
  Pool& pool_;
};

}  // namespace banger::engine
