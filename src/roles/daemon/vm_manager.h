// All VMs of this owner: finding, creating, deleting. Each VM's own life is its VmOwner's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "roles/daemon/services.h"
#include "roles/daemon/vm_owner.h"

namespace banger::roles::daemon {

struct CreateRequest {
  std::string name;   ///< empty: one is made up
  vm::Spec spec;      ///< complete
  bool start = true;
  WaitFor wait = WaitFor::agent;
};

class VmManager {
 public:
  explicit VmManager(Services& services) : services_(services), recovery_(services.runtime) {}

  /// Reads the store; nothing is touched yet.
  Result<> load();
  /// Brings every VM to a true state, each in its own coroutine; what was done is collected in `recovered`. Returns when all are,
  /// or at the deadline: a guest that was booting when the daemon died may take longer, and is `starting` until then.
  Task<> recover_all(host::Deadline deadline);
  const std::vector<std::string>& recovered() const { return recovered_; }

  std::vector<std::shared_ptr<VmOwner>> list() const;
  /// By name, id or unique id prefix. `not_found` and `invalid` (ambiguous) list what is close.
  Result<std::shared_ptr<VmOwner>> get(std::string_view name_or_id) const;
  /// Undone when it fails or is cancelled before the guest was started; a guest that does not come up is kept, stopped.
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);
  Task<Result<>> remove(std::shared_ptr<VmOwner> vm, bool force);

  /// Names of the VMs that use an image id or a kernel name.
  std::vector<std::string> users_of_image(std::string_view image_id) const;
  std::vector<std::string> users_of_kernel(std::string_view kernel) const;

 private:
  Result<std::shared_ptr<VmOwner>> record(const CreateRequest& request, const image::Image& image, const std::string& kernel);
  std::string free_name() const;
  Task<> recover_one(std::shared_ptr<VmOwner> vm);

  Services& services_;
  std::map<std::string, std::shared_ptr<VmOwner>> vms_;  ///< by id
  std::vector<std::string> recovered_;
  std::size_t recovering_ = 0;
  host::Event recovery_;   ///< notified when one has been recovered
};

}  // namespace banger::roles::daemon
