// The taps of the bridge, by number: which VM has which one, and which ones must be removed. Taps are made and removed
// through Privileged. The journal has every tap before it exists, and until it is gone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"
#include "capabilities/privileged.h"
#include "net/tap.h"
#include "store/store.h"

namespace banger::capabilities {

class Taps {
 public:
  Taps(const Logger& log, store::Store& store, Privileged& privileged, net::TapMark mark)
      : log_(log), store_(store), privileged_(privileged), mark_(mark) {}

  /// A tap in the journal. A VM's tap stays the VM's. Any other tap has lost its descriptor, and will be removed.
  void load(const store::JournalEntry& entry);

  std::optional<std::uint32_t> of(std::string_view vm_id) const;
  /// VMs with a tap.
  std::vector<std::string> holders() const;
  bool known(std::uint32_t number) const { return taps_.contains(number); }
  /// This host's taps with this daemon's mark that are unknown here.
  Result<std::vector<std::uint32_t>> stray() const;
  /// The lowest number that is unknown here and unused on this host. `exhausted` when there is none.
  Result<std::uint32_t> free_number() const;

  /// The VM has this tap from now on. REQUIRES: the store has it too.
  void attach(const std::string& vm_id, std::uint32_t number) { taps_[number] = {Use::vm, vm_id}; }
  /// Makes the tap, or attaches to it, and returns its descriptor.
  Task<Result<UniqueFd>> create(std::uint32_t number);
  /// As create, for a tap that no VM has yet. After a failure the tap will be removed.
  Task<Result<UniqueFd>> create_idle(std::uint32_t number);

  /// Removes the VM's tap. If that fails, the tap belongs to the bridge and will be removed later.
  Task<> release(std::string vm_id);
  /// The tap will be removed by remove_discarded().
  void discard(std::uint32_t number);
  /// Removes discarded taps. A tap that cannot be removed stays discarded.
  Task<> remove_discarded();
  /// Removes a tap that is unknown here.
  Task<Result<>> remove(std::uint32_t number);

 private:
  enum class Use { vm, idle, changing, discarded };
  struct Tap {
    Use use;
    std::string owner;  ///< in the journal: a VM or kBridgeOwner
  };

  Task<Result<>> delete_tap(std::uint32_t number, std::string owner);

  const Logger& log_;
  store::Store& store_;
  Privileged& privileged_;
  const net::TapMark mark_;
  std::map<std::uint32_t, Tap> taps_;
};

}  // namespace banger::capabilities
