// The VMs' places on the bridge: leases, taps and who is let on them. What needs root goes through
// Privileged; every tap is in the journal before it is made, and what a crash leaves is removed by the
// next daemon.
//
//   join ─► (the machine starts) ─► let_on ─► … ─► leave          lease: from the first join until the VM is deleted
//
// While VMs are on the bridge a few idle taps are kept, so that joining costs one write to the store. The bridge goes
// some time after the last VM, or with the daemon when there is none.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "capabilities/capability.h"
#include "capabilities/privileged.h"
#include "config/config.h"
#include "host/foreground.h"
#include "host/runtime.h"
#include "net/bridge.h"
#include "store/store.h"
#include "vm/network.h"

namespace banger::capabilities {

class BridgeNetwork {
 public:
  /// `installed` says whether this host is installed for it: then "auto" means a bridge, and idle taps are always kept.
  BridgeNetwork(host::Runtime& runtime, const Logger& log, const config::Config& config, store::Store& store,
                Privileged& privileged, std::function<bool()> installed);

  /// Reads the store; nothing is touched yet.
  Result<> load();
  /// The network of a new VM; `unavailable` when a bridge is asked for and nobody can make one. An automatic choice
  /// makes do with the user network where the kernel has no bridges.
  Task<Result<vm::Network>> choose(vm::NetworkChoice wanted);

  /// A tap and an address for a machine about to start; nothing passes the tap yet. The descriptor is the machine's.
  Task<Result<UniqueFd>> join(std::string vm_id);
  /// Lets the guest on its tap; again to change nat.
  Task<Result<>> let_on(std::string vm_id, bool nat);
  /// After the machine has ended; logs, never fails: what cannot be removed now is tried again.
  Task<> leave(std::string vm_id);
  /// Where the VM is; nullopt: its machine is not on the bridge.
  std::optional<BridgePort> port(std::string_view vm_id) const;
  /// "172.16.0.5", also of a VM that does not run; empty: it never had one.
  std::string address(std::string_view vm_id) const;
  /// The VM was deleted, and its lease with it.
  void forget(const std::string& vm_id) { leases_.erase(vm_id); }

  /// Keeps idle taps and lets them go, until the daemon ends.
  Task<> run(host::Foreground& foreground);
  /// The daemon ends: idle taps go, and the bridge too if no machine is on it.
  Task<> close();

  /// Numbers of taps that are there and belong to nobody, and whether the bridge does.
  struct Strays {
    std::vector<std::uint32_t> taps;
    bool bridge = false;
  };
  Result<Strays> strays() const;
  Task<Result<>> remove_stray_tap(std::uint32_t number);
  Task<Result<>> remove_stray_bridge();

  /// As the config has it; what the install says is known once it is made.
  Result<net::Bridge> wanted() const;
  std::size_t idle() const { return idle_.size(); }
  std::size_t in_use() const { return seats_.size(); }
  /// Why the bridge could not be made when that was last tried; nullopt: it was, or nobody tried.
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  struct Idle {
    std::uint32_t number;
    UniqueFd tap;
  };
  Task<Result<>> ensure();
  Task<Result<>> make_bridge();
  Task<> route_names();
  void note_use() {
    keep_until_ = host::Clock::now() + std::chrono::duration_cast<host::Clock::duration>(config_.pool_idle);
  }
  Result<net::Ipv4> lease_for(const std::string& vm_id) const;
  Result<std::uint32_t> free_number() const;
  Task<Result<UniqueFd>> create_tap(std::uint32_t number);
  Task<Result<>> delete_tap(std::uint32_t number, std::string owner);
  Task<Result<>> add_idle();
  Task<> tend(host::Foreground& foreground);
  Task<> clean_up();
  Task<> let_go();
  Task<Result<>> remove_bridge();
  bool is_known(std::uint32_t number) const;

  host::Runtime& runtime_;
  const Logger& log_;
  const config::Config& config_;
  store::Store& store_;
  Privileged& privileged_;
  std::function<bool()> installed_;
  bool closing_ = false, tending_ = false;  ///< run() is to end; has not ended yet
  bool recorded_ = false;                   ///< the journal has the bridge
  host::Mutex changing_;                    ///< the bridge: made or removed by one at a time
  host::Event wake_;
  std::optional<net::Bridge> bridge_;  ///< since it was made by this daemon
  std::optional<Error> trouble_;
  std::map<std::string, net::Ipv4, std::less<>> leases_;     ///< by VM
  std::map<std::string, std::uint32_t, std::less<>> seats_;  ///< VM → tap
  std::map<std::uint32_t, std::string> doomed_;              ///< taps to be removed, and whose they are in the journal
  std::set<std::uint32_t> under_way_;                        ///< being made or removed
  std::vector<Idle> idle_;
  host::Clock::time_point keep_until_ = host::Clock::time_point::min();  ///< for whoever comes after the last VM
};

}  // namespace banger::capabilities
