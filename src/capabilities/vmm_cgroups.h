// The host resource that gives each VMM a cgroup of its own, where this daemon may divide its own cgroup. Elsewhere
// VMMs run without: a missing cgroup never fails a VM.
#pragma once

#include <map>
#include <optional>

#include "capabilities/resource_host.h"
#include "host/delegated_cgroup.h"

namespace banger::capabilities {

class VmmCgroups final : public HostResource {
 public:
  explicit VmmCgroups(const ResourceHost& host) : host_(host) {}

  std::string_view name() const override { return "cgroup"; }
  /// Also moves this process into its own part of the cgroup, before it starts any other.
  Result<> load() override;
  Task<Result<>> acquire(const VmContext& vm, machine::MachineConfig& config) override;
  /// Sets the limits of an adopted VM again.
  Task<Result<>> admit(std::string vm_id, const vm::Spec& spec) override;
  Task<> release(std::string vm_id) override;
  std::vector<std::string> holders() const override;
  std::vector<Leftover> leftovers() override;
  Task<Result<>> remove(Leftover leftover) override;
  Task<std::vector<Check>> checks() override;
  Task<> close() override;

 private:
  std::shared_ptr<UniqueFd> make(const std::string& vm_id, const vm::Spec& spec);
  void forget_group(const std::string& vm_id, const std::string& path);
  Check state() const;

  ResourceHost host_;
  std::optional<host::DelegatedCgroup> groups_;
  Error missing_{ErrorCode::unsupported, "cgroups are not used here"};  ///< why there are no groups
  std::map<std::string, std::string> held_;                             ///< the path of each VM's group
};

/// What a VMM may use, with plenty of room beside its guest. No guest that keeps to its own memory may end its VMM.
/// Pure.
host::MachineShare share_of(std::uint32_t vcpus, std::uint64_t memory_bytes);

}  // namespace banger::capabilities
