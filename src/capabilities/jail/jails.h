// The host resource of VMs whose Firecracker runs in a jail. The driver makes a jail when it starts a machine; none
// stays when its machine has ended. What makes and removes jails needs root and goes through Privileged.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "capabilities/resource_host.h"
#include "machine/firecracker/jailed.h"

namespace banger::capabilities {

class Jails final : public HostResource, public machine::firecracker::Jailer {
 public:
  explicit Jails(const ResourceHost& host);

  std::string_view name() const override { return "jail"; }
  Result<> load() override;
  /// Makes nothing yet: only the driver knows what goes into the jail, and whether there is to be one.
  Task<Result<>> acquire(const VmContext& vm, machine::MachineConfig& config) override;
  Task<> release(std::string vm_id) override;
  std::vector<std::string> holders() const override;
  std::vector<Leftover> leftovers() override;
  Task<Result<>> remove(Leftover leftover) override;
  Task<std::vector<Check>> checks() override;
  /// Removes what a daemon before could not remove.
  Task<> run(host::Foreground& foreground) override;

  using HostResource::check;
  Task<Result<>> check(std::string firecracker) override;
  Task<Result<machine::firecracker::JailedProcess>> start(machine::firecracker::JailedStart start) override;

 private:
  /// Those that jails are made with on this host.
  struct Programs {
    std::string jailer, firecracker;
  };
  /// `unavailable` with the way out when there are none.
  Task<Result<Programs>> programs();
  Task<Result<Check>> check_programs();
  Task<Result<>> end(std::string token, std::string vm_id);
  Task<Result<>> end_left(std::string token);
  Task<> end_left_of(std::string vm_id);  ///< empty: all
  Task<> try_again();

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  store::Store& store_;
  Privileged& privileged_;
  std::function<Task<Result<machine::firecracker::FirecrackerFacts>>()> firecracker_;
  std::map<std::string, std::string, std::less<>> held_;       ///< VM → its jail's id
  std::map<std::string, std::string, std::less<>> to_remove_;  ///< jail's id → VM
  host::Mutex changing_;        ///< one at a time: two jails of a VM would have one directory
  std::chrono::seconds pause_;  ///< until the next attempt
  bool trying_ = false;
};

}  // namespace banger::capabilities
