// Housekeeping of the bridge. It keeps taps ready while VMs use the bridge, and repeats failed removals of taps. It
// removes the bridge some time after the last VM.
#pragma once

#include "capabilities/bridge/device.h"
#include "capabilities/bridge/idle_taps.h"
#include "host/foreground.h"

namespace banger::capabilities {

class BridgeUpkeep {
 public:
  BridgeUpkeep(const ResourceHost& host, BridgeDevice& device, Taps& taps, IdleTaps& idle);

  /// A VM begins or ends to use the bridge: keeps the bridge for the next one, and wakes run() to make taps ready.
  void note_use();
  /// Runs until close().
  Task<> run(host::Foreground& foreground);
  /// Ends run(), and removes the idle taps. Removes the bridge too if no VM has a tap.
  Task<> close();

 private:
  Task<> loop(host::Foreground& foreground);
  Task<> shut_down();
  Task<Result<>> fill();

  ResourceHost host_;
  BridgeDevice& device_;
  Taps& taps_;
  IdleTaps& idle_;
  bool closing_ = false, running_ = false;
  host::Event wake_;
  host::Clock::time_point keep_until_ = host::Clock::time_point::min();  ///< the bridge is kept until then
};

}  // namespace banger::capabilities
