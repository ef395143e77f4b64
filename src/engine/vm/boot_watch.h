// Notices a guest that hangs while it boots, by the processor time of its VMM.
//
// A kernel measures its timer against its clock for 0.1 s. If a busy host stops the virtual processor in just that
// moment, the kernel finds the timer broken. Such a guest never boots: its processors wait for each other or sleep.
#pragma once

#include <chrono>
#include <string>

#include "host/runtime.h"

namespace banger::engine {

/// Whether a thread of a process waits for a disk of the host, which takes no processor time. `tasks` is the directory
/// /proc/PID/task (proc(5)).
bool waits_for_disk(const std::string& tasks);

class BootWatch {
 public:
  explicit BootWatch(unsigned vcpus) : vcpus_(vcpus) {}

  /// `used` is the processor time of the VMM since its start. True when the guest has used far more than any boot
  /// needs, or hardly any for a long time.
  bool hangs(host::Clock::time_point now, std::chrono::microseconds used);
  /// The guest may be idle: its processors were stopped, or it waits for a disk.
  void stands(host::Clock::time_point now);

 private:
  unsigned vcpus_;
  host::Clock::time_point since_{};  ///< when `used_` was reached
  std::chrono::microseconds used_{-1};
};

}  // namespace banger::engine
