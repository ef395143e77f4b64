// All host resources as one. Only this file knows their order: VMs acquire in list order and release in reverse.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "capabilities/resource.h"

namespace banger::engine {

class HostResources {
 public:
  using List = std::vector<std::unique_ptr<capabilities::HostResource>>;
  explicit HostResources(List list) : list_(std::move(list)) {}
  /// The host resources of all capabilities.
  explicit HostResources(const capabilities::ResourceHost& host);

  Result<> load();
  /// Sets the network of a new VM: the user network, unless a host resource provides another one.
  Task<Result<>> resolve(vm::NetworkChoice asked, vm::Spec& spec);
  Result<> check(const vm::Spec& spec) const;
  /// Stops at the first failure. Everything acquired until then stays acquired until release_all().
  Task<Result<>> acquire(capabilities::VmContext& vm, machine::MachineConfig& config);
  Task<Result<>> admit(std::string vm_id, const vm::Spec& spec);
  /// `at_once` when at least one host resource returns `at_once`.
  Task<Result<capabilities::TakesEffect>> change(std::string vm_id, const vm::Spec& before, const vm::Spec& after);
  Task<Result<>> flush(std::string vm_id);
  Task<> release_all(std::string vm_id);
  void forget(const std::string& vm_id);
  std::set<std::string> holders() const;
  /// The guest's own address in a network of the host. "": no address was leased yet. nullopt: the guest has none.
  std::optional<std::string> address(std::string_view vm_id, const vm::Spec& spec) const;
  std::optional<capabilities::NetworkPort> port(std::string_view vm_id) const;

  std::vector<capabilities::Leftover> leftovers();
  Task<std::vector<capabilities::Check>> checks();
  /// Starts the housekeeping of each host resource.
  void run(host::Runtime& runtime, host::Foreground& foreground);
  Task<> close();

 private:
  List list_;
};

}  // namespace banger::engine
