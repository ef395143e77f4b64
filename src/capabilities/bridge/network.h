// The host resource of VMs on the bridge: a lease, a tap, and the admission of the guest to its tap. Operations that
// need root go through Privileged. A lease lasts from the first acquire until the VM is deleted.
//
// While VMs are on the bridge, a few idle taps are kept ready, so that acquire costs one write to the store. The bridge
// is removed some time after the last VM, or with the daemon if no VM is on the bridge.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "capabilities/resource_host.h"
#include "net/bridge.h"

namespace banger::capabilities {

class BridgeNetwork final : public HostResource {
 public:
  explicit BridgeNetwork(const ResourceHost& host);

  std::string_view name() const override { return "bridge"; }
  Result<> load() override;
  /// `unavailable` when a bridge is requested and neither root nor the root helper can make one. An automatic choice is
  /// the bridge if banger is installed on the host and the kernel has bridges.
  Task<Result<>> resolve(vm::NetworkChoice asked, vm::Spec& spec) override;
  /// Gives the VM a tap and an address. The tap drops all packets until `admit`.
  Task<Result<>> acquire(const VmContext& vm, machine::MachineConfig& config) override;
  Task<Result<>> admit(std::string vm_id, const vm::Spec& spec) override;
  Task<Result<TakesEffect>> change(std::string vm_id, const vm::Spec& before, const vm::Spec& after) override;
  Task<> release(std::string vm_id) override;
  void forget(const std::string& vm_id) override { leases_.erase(vm_id); }
  std::vector<std::string> holders() const override;
  std::optional<std::string> address(std::string_view vm_id, const vm::Spec& spec) const override;
  std::optional<NetworkPort> port(std::string_view vm_id) const override;
  std::vector<Leftover> leftovers() override;
  Task<Result<>> remove(Leftover leftover) override;
  Task<std::vector<Check>> checks() override;
  /// Keeps idle taps ready, and removes them when they are no longer needed.
  Task<> run(host::Foreground& foreground) override;
  /// Removes the idle taps, and the bridge too if no machine is on the bridge.
  Task<> close() override;

 private:
  struct Idle {
    std::uint32_t number;
    UniqueFd tap;
  };
  bool installed() const { return privileged_.way() == Privileged::Way::helper; }
  Result<net::Bridge> wanted() const;
  Task<Result<>> ensure();
  Task<Result<>> make_bridge();
  Task<> route_names();
  void note_use() {
    keep_until_ = host::Clock::now() + std::chrono::duration_cast<host::Clock::duration>(config_.pool_idle);
  }
  Result<net::Ipv4> lease_for(const std::string& vm_id) const;
  Result<std::uint32_t> free_number() const;
  Task<Result<UniqueFd>> attach(std::string vm_id);
  Task<Result<UniqueFd>> create_tap(std::uint32_t number);
  Task<Result<>> delete_tap(std::uint32_t number, std::string owner);
  Task<Result<>> add_idle();
  Task<> tend(host::Foreground& foreground);
  Task<> clean_up();
  Task<> let_go();
  Task<Result<>> remove_bridge();
  bool is_known(std::uint32_t number) const;
  Result<Check> check_state(const net::Bridge& bridge) const;
  Task<Result<Check>> check_forwarding(net::Bridge bridge);

  host::Runtime& runtime_;
  const Logger& log_;
  const config::Config& config_;
  store::Store& store_;
  Privileged& privileged_;
  bool closing_ = false, tending_ = false;  ///< run() must end; run() has not ended yet
  bool recorded_ = false;                   ///< the journal contains the bridge
  host::Mutex changing_;                    ///< only one coroutine at a time makes or removes the bridge
  host::Event wake_;
  std::optional<net::Bridge> bridge_;                           ///< set once this daemon has made the bridge
  std::optional<Error> trouble_;                                ///< why the last attempt to make the bridge failed
  std::map<std::string, net::Ipv4, std::less<>> leases_;        ///< by VM
  std::map<std::string, std::uint32_t, std::less<>> attached_;  ///< VM → tap
  std::map<std::uint32_t, std::string> to_remove_;              ///< tap → its owner in the journal
  std::set<std::uint32_t> under_way_;                           ///< taps that are being made or removed
  std::vector<Idle> idle_;
  /// the bridge is kept until then, for the next VM
  host::Clock::time_point keep_until_ = host::Clock::time_point::min();
};

}  // namespace banger::capabilities
