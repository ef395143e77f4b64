// The last events of all VMs, in memory. Clients read at their own pace; one that is too slow is told how many events
// it has missed. So no client can make the daemon keep more.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "host/runtime.h"
#include "vm/event.h"

namespace banger::engine {

struct VmEvent {
  std::uint64_t sequence = 0;  ///< 1, 2, … since the daemon's start; set by EventLog
  std::int64_t time_ms = 0;    ///< unix; set by EventLog
  vm::Event what = vm::Event::current;
  std::string id = {}, name = {};
  std::string state = {};   ///< the VM's state afterwards
  std::string detail = {};  ///< its meaning depends on `what`, see docs/rpc.md
};

std::int64_t unix_ms();

class EventLog {
 public:
  void add(VmEvent event);

  /// The sequence of the last event; 0: none.
  std::uint64_t last() const { return last_; }
  /// The sequence of the last event before that time, of those that are kept.
  std::uint64_t last_before(std::int64_t time_ms) const;

  struct Batch {
    std::uint64_t missed = 0;  ///< so many events before the first one are not kept any more
    std::vector<VmEvent> events;
  };
  /// At most limits::kEventBatch of the events after that sequence.
  Batch after(std::uint64_t sequence) const;

  /// While a follower exists, each event wakes those who wait for `wake`, which is borrowed.
  class Follower {
   public:
    Follower(EventLog& log, host::Event& wake) : log_(log), wake_(&wake) { log_.followers_.insert(wake_); }
    ~Follower() { log_.followers_.erase(wake_); }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

   private:
    EventLog& log_;
    host::Event* wake_;
  };

 private:
  std::deque<VmEvent> events_;
  std::uint64_t last_ = 0;
  std::set<host::Event*> followers_;
};

}  // namespace banger::engine
