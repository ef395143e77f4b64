// The ready pool: a few running, warmed-up clones of recently used templates, without a user yet. A create claims a
// machine of the pool in milliseconds. The pool is refilled when no client waits for the daemon.
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

/// Makes and removes the pool's machines, which are VMs of purpose "pool".
struct PoolVms {
  std::function<Result<std::shared_ptr<VmOwner>>(const store::SaveRow& save)> make;
  std::function<Task<Result<>>(std::shared_ptr<VmOwner> vm)> remove;
  /// Whether the host has room for another machine of that size, beside the promises to users' VMs.
  std::function<bool(std::uint64_t memory_bytes)> room;
};

class Pool {
 public:
  Pool(Services& services, host::Foreground& foreground, PoolVms vms)
      : services_(services), foreground_(foreground), vms_(std::move(vms)), wake_(services.runtime) {}

  /// Fills and shrinks the pool until the daemon ends.
  Task<> run();
  /// Takes a ready machine of that template out of the pool. Null when there is none.
  std::shared_ptr<VmOwner> take(std::string_view save_id);
  /// Records a use of that template. The pool keeps machines of a template until `pool_idle` after its last use.
  void note_use(const std::string& save_id);
  /// Removes all ready machines, for example when memory is short. Returns when they are removed.
  Task<> remove_ready();
  Task<> remove_ready_of(std::string save_id);
  /// Retires the templates for which `which` is true, and removes their ready machines.
  Task<> drop_templates(std::function<bool(const store::SaveRow&)> which);
  /// Empties the pool at the daemon's orderly end. Waits a short time for a machine that is being made.
  Task<> close();
  /// Puts a pool machine that outlived its daemon back into the pool.
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
  Task<> remove_matching(std::function<bool(const Member&)> which);
  std::size_t count(std::string_view save_id) const;

  Services& services_;
  host::Foreground& foreground_;
  PoolVms vms_;
  bool closing_ = false, filling_ = false;
  host::Event wake_;
  std::vector<Member> members_;
  std::map<std::string, host::Clock::time_point> last_used_;  ///< template → last use
};

}  // namespace banger::engine
