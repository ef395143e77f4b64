// The ready pool: a few clones of recently used templates, running and exercised, that belong to nobody yet. A create
// takes one over in milliseconds; the pool is filled again when nobody waits for anything.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/services.h"
#include "engine/vm/owner.h"
#include "host/foreground.h"

namespace banger::engine {

/// Makes and removes the pool's machines: VMs of purpose "pool".
struct PoolVms {
  std::function<Result<std::shared_ptr<VmOwner>>(const store::SaveRow& save)> make;
  std::function<Task<Result<>>(std::shared_ptr<VmOwner> vm)> remove;
  /// Whether there is room for one more machine of that size beside those that users may still want.
  std::function<bool(std::uint64_t memory_bytes)> room;
};

class Pool {
 public:
  Pool(Services& services, host::Foreground& foreground, PoolVms vms)
      : services_(services), foreground_(foreground), vms_(std::move(vms)), wake_(services.runtime) {}

  /// Fills and empties until the daemon ends.
  Task<> run();
  /// A ready machine of that template, no longer the pool's; null when there is none.
  std::shared_ptr<VmOwner> take(std::string_view save_id);
  /// That template was just used: the pool may hold machines of it for `pool_idle`.
  void want(const std::string& save_id);
  /// Lets everything go, e.g. when memory is short; returns when it is gone.
  Task<> let_go();
  Task<> let_go_of_template(std::string save_id);
  /// The daemon ends in good order: nothing is left that nobody asked for. One in the making is waited for, for a
  /// while.
  Task<> close();
  /// Takes a pool machine that outlived a daemon back in.
  void adopt(std::shared_ptr<VmOwner> vm);

  struct Member {
    std::shared_ptr<VmOwner> vm;
    std::string save_id;
    host::Clock::time_point since;
    bool ready = false;
  };
  const std::vector<Member>& members() const { return members_; }

 private:
  Task<> fill_one(std::string save_id);
  Task<> let_go_of(std::function<bool(const Member&)> which);
  std::size_t count(std::string_view save_id) const;

  Services& services_;
  host::Foreground& foreground_;
  PoolVms vms_;
  bool closing_ = false, filling_ = false;
  host::Event wake_;
  std::vector<Member> members_;
  std::map<std::string, host::Clock::time_point> wanted_;  ///< template → last use
};

}  // namespace banger::engine
