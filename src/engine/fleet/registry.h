// All VMs of this owner, by id and by name, and which of them use an image, a kernel or a saved state.
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

/// `busy` when there are users. They are named as VmRegistry::users_of_image() does, and the hint has a way to end each
/// kind of use. `what`: "image 'debian'".
Result<> check_unused(std::string_view what, const std::vector<std::string>& users);

class VmRegistry {
 public:
  explicit VmRegistry(Services& services) : services_(services) {}

  /// Reads the store. Does not touch any VM yet.
  Result<> load();
  bool contains(std::string_view id) const { return vms_.contains(id); }
  /// Adds a VM that is already in the store.
  void add(std::shared_ptr<VmOwner> vm);
  /// Removes a VM that is already removed from the store.
  void forget(const std::string& id) { vms_.erase(id); }
  /// Calls `on_vm` for every VM of any purpose and state, and from then on for every new VM.
  void for_each_vm(std::function<void(std::shared_ptr<VmOwner>)> on_vm);

  /// The VMs of users, oldest first. Excludes the ready pool and unfinished templates.
  std::vector<std::shared_ptr<VmOwner>> list() const;
  /// All VMs.
  std::vector<std::shared_ptr<VmOwner>> everything() const;
  /// A user's VM by name, id or unique id prefix. `not_found` suggests similar names. `invalid` lists ambiguous ids.
  Result<std::shared_ptr<VmOwner>> get(std::string_view name_or_id) const;
  /// A VM by its exact name or id; null when there is none. Fast, because every DNS query calls this function.
  std::shared_ptr<VmOwner> find_exactly(std::string_view name_or_id) const;
  /// `exists` when `name` is a VM's name or whole id. The start of an id may be a name, and get() prefers names.
  Result<> check_is_free(std::string_view name) const;
  /// A random name that no VM has.
  std::string free_name() const;

  /// The users of an image id or a kernel name, in words: VMs, snapshots, an unfinished template. Excludes the ready
  /// pool.
  std::vector<std::string> users_of_image(std::string_view image_id) const;
  std::vector<std::string> users_of_kernel(std::string_view kernel) const;
  /// Names of the VMs that run on a saved state or will start from it.
  std::vector<std::string> users_of_save(std::string_view save_id) const;

 private:
  std::vector<std::string> users(
      const std::function<bool(const std::string& image_id, const std::string& kernel)>& uses) const;

  Services& services_;
  std::map<std::string, std::shared_ptr<VmOwner>, std::less<>> vms_;  ///< by id
  std::function<void(std::shared_ptr<VmOwner>)> on_new_vm_;
};

}  // namespace banger::engine
