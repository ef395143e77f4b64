// The host resource of VMs with Firecracker in a jail. The driver makes the jail when it starts a machine. The jail is
// removed when the machine has ended. Making and removing a jail needs root, and goes through Privileged.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "capabilities/resource_host.h"
#include "machine/firecracker/jail_client.h"

namespace banger::capabilities {

class Jails final : public HostResource, public machine::firecracker::Jailer {
 public:
  explicit Jails(const ResourceHost& host);

  std::string_view name() const override { return "jail"; }
  Result<> load() override;
  /// Makes nothing yet. Only the driver knows whether there will be a jail, and which files go into it.
  Task<Result<>> acquire(const VmContext& vm, machine::MachineConfig& config) override;
  Task<> release(std::string vm_id) override;
  std::vector<std::string> holders() const override;
  std::vector<Leftover> leftovers() override;
  Task<Result<>> remove(Leftover leftover) override;
  Task<std::vector<Check>> checks() override;
  /// Removes jails that an earlier daemon could not remove.
  Task<> run(host::Foreground& foreground) override;

  using HostResource::check;
  Task<Result<>> check(std::string firecracker) override;
  Task<Result<machine::firecracker::JailedProcess>> start(machine::firecracker::JailedStart start) override;

 private:
  /// The programs that jails on this host are made with.
  struct Programs {
    std::string jailer, firecracker;
  };
  /// `unavailable`, with a hint, when there are none.
  Task<Result<Programs>> programs();
  Task<Result<Check>> check_programs();
  Task<Result<>> end(std::string token, std::string vm_id);
  Task<Result<>> end_leftover(std::string token);
  Task<> end_leftovers_of(std::string vm_id);  ///< empty: all
  Task<> try_again();

  ResourceHost host_;
  std::map<std::string, std::string, std::less<>> held_;       ///< VM → its jail's id
  std::map<std::string, std::string, std::less<>> to_remove_;  ///< jail's id → VM
  host::Mutex changing_;        ///< only one jail at a time changes: two jails of a VM would share one directory
  std::chrono::seconds pause_;  ///< until the next attempt
  bool trying_ = false;
};

}  // namespace banger::capabilities
