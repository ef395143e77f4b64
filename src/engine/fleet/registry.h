// All VMs of this owner, by id and by name, and who of them uses an image, a kernel or a saved state.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/services.h"
#include "engine/vm/owner.h"

namespace banger::engine {

class VmRegistry {
 public:
  explicit VmRegistry(Services& services) : services_(services) {}

  /// Reads the store; nothing is touched yet.
  Result<> load();
  /// One that is in the store by now.
  void add(std::shared_ptr<VmOwner> vm);
  /// One that is removed by now.
  void forget(const std::string& id) { vms_.erase(id); }
  /// Calls it for every VM there is, and from then on for every new one, whatever its purpose and state.
  void for_each_vm(std::function<void(std::shared_ptr<VmOwner>)> told);

  /// Those of users, oldest first; the pool and templates in the making are not among them.
  std::vector<std::shared_ptr<VmOwner>> list() const;
  /// All.
  std::vector<std::shared_ptr<VmOwner>> everything() const;
  /// A user's VM by name, id or unique id prefix. `not_found` and `invalid` (ambiguous) list what is close.
  Result<std::shared_ptr<VmOwner>> get(std::string_view name_or_id) const;
  /// By name or id, nothing shorter; null when there is none. Quick: it is asked for every DNS query.
  std::shared_ptr<VmOwner> find_exactly(std::string_view name_or_id) const;
  /// `exists` when a VM has it as its name or whole id; the start of an id is free to be a name, and the name then
  /// comes first.
  Result<> check_is_free(std::string_view name) const;
  /// A made-up name that no VM has.
  std::string free_name() const;

  /// What uses an image id or a kernel name, in words: VMs, snapshots, a template in the making. The ready pool does
  /// not count.
  std::vector<std::string> users_of_image(std::string_view image_id) const;
  std::vector<std::string> users_of_kernel(std::string_view kernel) const;
  /// Names of the VMs that run on a saved state or will go on from it.
  std::vector<std::string> users_of_save(std::string_view save_id) const;

 private:
  std::vector<std::string> users(
      const std::function<bool(const std::string& image_id, const std::string& kernel)>& uses) const;

  Services& services_;
  std::map<std::string, std::shared_ptr<VmOwner>, std::less<>> vms_;  ///< by id
  std::function<void(std::shared_ptr<VmOwner>)> told_of_new_;
};

}  // namespace banger::engine
