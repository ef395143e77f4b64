// Creates a VM: writes its record, chooses its template, uses a machine of the ready pool if possible. A create that
// fails is undone.
#pragma once

#include <memory>
#include <string>

#include "engine/fleet/host_memory.h"
#include "engine/fleet/pool.h"
#include "engine/fleet/registry.h"
#include "engine/fleet/templates.h"

namespace banger::engine {

struct CreateRequest {
  std::string name;  ///< empty: a random name
  vm::Spec spec;     ///< complete
  bool start = true;
  WaitFor wait = WaitFor::agent;
  bool cold = false;                     ///< boot instead of using a template
  std::string from;                      ///< id of a saved state with disks: a snapshot or a fork's; empty: none
  bool ephemeral = false;                ///< removed when its client is gone, by the next daemon if necessary
  SecretValues::Map secret_values = {};  ///< that the client gave
  std::string secrets_of = {};           ///< id of the VM whose values it has too: the parent of a fork; empty: none
};

/// The record of a VM before its files exist.
struct NewVm {
  std::string name;
  store::Purpose purpose = store::Purpose::user;
  std::string image_id, kernel, save_id;
  vm::Spec spec;
  bool ephemeral = false;
};

/// Writes the record and the journal entry of the VM's directory, and adds the VM to the registry.
Result<std::shared_ptr<VmOwner>> record_vm(Services& services, VmRegistry& registry, NewVm what);

/// Whether a running machine of this template can get the reach that `wanted` asks for. A bridge can change the reach
/// of a running machine. A VMM's own network is fixed when the machine starts.
bool same_reach(const vm::Spec& wanted, const vm::Spec& of_template);
/// Whether the template's block devices can get the sizes in `wanted`. The size of a device-mapper device is fixed when
/// the machine starts. Other devices can grow.
bool same_device_sizes(const vm::Spec& wanted, const vm::Spec& of_template);

class VmCreation {
 public:
  VmCreation(Services& services, VmRegistry& registry, const HostMemory& memory, Templates& templates, Pool& pool)
      : services_(services), registry_(registry), memory_(memory), templates_(templates), pool_(pool) {}

  /// A create that fails or is cancelled before the guest has started is undone. If the guest has started but does not
  /// become ready, the VM is kept as stopped.
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);

 private:
  /// The record of the VM, and the saved state that provides its disks; empty: the image does.
  struct Origin {
    NewVm record;
    std::string disks_of;
  };
  Result<> check(const CreateRequest& request) const;
  Task<Result<Origin>> find_origin(const CreateRequest& request, Stages& stages, host::Cancel& cancel);
  Task<Result<std::string>> choose_template(const CreateRequest& request, const image::Image& image,
                                            const image::Kernel& kernel, Stages& stages, host::Cancel& cancel);
  Task<std::shared_ptr<VmOwner>> take_from_pool(const CreateRequest& request, const NewVm& record, Stages& stages,
                                                host::Cancel& cancel);
  Task<Result<>> bring_up(std::shared_ptr<VmOwner> vm, const CreateRequest& request, std::string disks_of,
                          Stages& stages, host::Cancel& cancel);
  Task<Result<>> undo(std::shared_ptr<VmOwner> vm);
  void keep_values(const std::string& vm_id, const CreateRequest& request);

  Services& services_;
  VmRegistry& registry_;
  const HostMemory& memory_;
  Templates& templates_;
  Pool& pool_;
};

}  // namespace banger::engine
