// The bridge as a link of this host: made before the first VM needs it, and removed some time after the last one.
#pragma once

#include <functional>
#include <optional>

#include "capabilities/resource_host.h"
#include "net/bridge.h"

namespace banger::capabilities {

class BridgeDevice {
 public:
  explicit BridgeDevice(const ResourceHost& host) : host_(host), changing_(host.runtime) {}

  /// An entry of the journal: a bridge of an earlier daemon.
  void load(const store::JournalEntry& entry);

  /// The bridge of the config. `invalid` when its name or addresses are impossible.
  Result<net::Bridge> configured() const;
  /// The bridge as the install has it, once this daemon has made it.
  const std::optional<net::Bridge>& made() const { return made_; }
  /// Whether the journal contains the bridge.
  bool recorded() const { return recorded_; }
  /// Why the last attempt to make the bridge failed.
  const std::optional<Error>& trouble() const { return trouble_; }

  /// Makes the bridge, or its missing parts. `cancelled` after close().
  Task<Result<>> ensure();
  /// Removes the bridge, unless `in_use` returns true when it is this call's turn. Succeeds when there is none.
  Task<Result<>> remove(std::function<bool()> in_use);
  /// From now on the bridge is only removed.
  void close() { closing_ = true; }

 private:
  Task<Result<>> make();

  ResourceHost host_;
  host::Mutex changing_;  ///< only one coroutine at a time makes or removes the bridge
  bool recorded_ = false, closing_ = false;
  std::optional<net::Bridge> made_;
  std::optional<Error> trouble_;
};

}  // namespace banger::capabilities
