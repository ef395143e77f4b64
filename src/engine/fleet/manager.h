// All VMs of this owner: finding, creating, deleting. Each VM's own life is its VmOwner's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/fleet/pool.h"
#include "engine/fleet/templates.h"
#include "engine/services.h"
#include "engine/vm/owner.h"

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

class VmManager {
 public:
  explicit VmManager(Services& services);

  /// Reads the store; nothing is touched yet.
  Result<> load();
  /// Brings every VM to a true state, each in its own coroutine; what was done is collected in `recovered`. Returns
  /// when all are, or at the deadline: a guest that was booting when the daemon died may take longer, and is `starting`
  /// until then.
  Task<> recover_all(host::Deadline deadline);
  const std::vector<std::string>& recovered() const { return recovered_; }

  /// Those of users; the pool and templates in the making are not among them.
  std::vector<std::shared_ptr<VmOwner>> list() const;
  /// All.
  std::vector<std::shared_ptr<VmOwner>> everything() const;
  /// By name, id or unique id prefix. `not_found` and `invalid` (ambiguous) list what is close.
  Result<std::shared_ptr<VmOwner>> get(std::string_view name_or_id) const;
  /// Undone when it fails or is cancelled before the guest was started; a guest that does not come up is kept, stopped.
  Task<Result<std::shared_ptr<VmOwner>>> create(CreateRequest request, Stages& stages, host::Cancel& cancel);
  Task<Result<>> remove(std::shared_ptr<VmOwner> vm, bool force);
  /// The same, forced, with nobody to tell of a failure but the log. Somebody else may be removing it as well.
  Task<> remove_unasked(std::shared_ptr<VmOwner> vm);
  /// `exhausted`, with the numbers, when one more machine of that size could run the host out of memory.
  Result<> check_memory(std::uint64_t memory_bytes) const;

  /// The same for one that is to start; the ready pool gives way.
  Task<Result<>> make_room_for(const VmOwner& vm);

  /// Ends, for as long as the daemon serves, VMs that nobody used for `auto_stop_stale_after`.
  Task<> stop_stale();

  /// Calls it for every VM there is, and from then on for every new one, whatever its purpose and state.
  /// Removes the devices of VMs that do not run. After recover_all().
  Task<> sweep_snapshots();
  void for_each_vm(std::function<void(std::shared_ptr<VmOwner>)> told);
  /// By name or id, nothing shorter; null when there is none. Quick: it is asked for every DNS query.
  const VmOwner* find_exactly(std::string_view name_or_id) const;
  /// `exists` when a VM has it as its name or whole id; the start of an id is free to be a name, and the name then
  /// comes first.
  Result<> check_is_free(std::string_view name) const;

  Templates& templates() { return templates_; }
  Pool& pool() { return pool_; }
  host::Foreground& foreground() { return foreground_; }
  /// A template's VM has the sizes of the spec; disks are no larger than the default ones, for they only grow.
  Result<vm::Spec> template_spec(const vm::Spec& spec) const;

  /// Retires those templates and lets the pool's machines of them go.
  Task<> drop_templates(std::function<bool(const store::SaveRow&)> which);

  /// What uses an image id or a kernel name, in words: VMs, snapshots, a template in the making. The ready pool does
  /// not count.
  std::vector<std::string> users_of_image(std::string_view image_id) const;
  std::vector<std::string> users_of_kernel(std::string_view kernel) const;
  std::vector<std::string> users_of_save(std::string_view save_id) const;

 private:
  /// What a VM is recorded as before anything of it exists.
  struct Record {
    std::string name, purpose, image_id, kernel, save_id;
    vm::Spec spec;
    bool ephemeral = false;
  };
  Result<std::shared_ptr<VmOwner>> record(Record what);
  Task<Result<std::string>> choose_template(const CreateRequest& request, const image::Image& image,
                                            const image::Kernel& kernel, Stages& stages, host::Cancel& cancel);
  Task<std::shared_ptr<VmOwner>> take_from_pool(const CreateRequest& request, const std::string& name,
                                                const std::string& save_id, Stages& stages);
  Task<Result<>> make_room(std::uint64_t memory_bytes);
  Task<Result<>> finish_create(std::shared_ptr<VmOwner> vm, const CreateRequest& request, std::string disks_of,
                               Stages& stages, host::Cancel& cancel);
  std::vector<std::string> users(
      const std::function<bool(const std::string& image_id, const std::string& kernel)>& uses) const;
  std::string free_name() const;
  Task<> recover_one(std::shared_ptr<VmOwner> vm);

  Services& services_;
  std::map<std::string, std::shared_ptr<VmOwner>, std::less<>> vms_;  ///< by id
  std::function<void(std::shared_ptr<VmOwner>)> told_of_new_;
  std::vector<std::string> recovered_;
  std::size_t recovering_ = 0;
  host::Event recovery_;  ///< notified when one has been recovered
  host::Foreground foreground_;
  Templates templates_;
  Pool pool_;
};

}  // namespace banger::engine
