// The host resource of VMs whose storage is "dm-snapshot" (dm_snapshot.h): the device of the system disk.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "capabilities/resource_host.h"

namespace banger::capabilities {

class SnapshotDisks final : public HostResource {
 public:
  explicit SnapshotDisks(const ResourceHost& host) : host_(host), changing_(host.runtime), wake_(host.runtime) {}

  std::string_view name() const override { return "snapshot"; }
  Result<> load() override;
  Result<> check(const vm::Spec& spec) const override;
  /// Makes the device, with an ext4 journal. Fails if the device is in use.
  Task<Result<>> acquire(const VmContext& vm, machine::MachineConfig& config) override;
  Task<Result<>> flush(std::string vm_id) override;
  Task<> release(std::string vm_id) override;
  std::vector<std::string> holders() const override { return {made_.begin(), made_.end()}; }
  std::vector<Leftover> leftovers() override;
  Task<Result<>> remove(Leftover leftover) override;
  Task<std::vector<Check>> checks() override;
  /// Tries again to remove devices that were in use.
  Task<> run(host::Foreground& foreground) override;

 private:
  Result<> check_host() const;
  Task<Result<>> make_device(const VmContext& vm, std::string file);
  Task<Result<>> remove_device(std::string vm_id);
  Task<> forget_device(std::string vm_id);

  ResourceHost host_;
  host::Mutex changing_;  ///< only one device at a time is made or removed
  host::Event wake_;
  std::set<std::string> made_;       ///< ids of VMs that have a device, as in the journal
  std::set<std::string> to_remove_;  ///< ids of VMs whose device could not be removed
};

}  // namespace banger::capabilities
