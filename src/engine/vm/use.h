// Whether somebody uses a VM, and the figures its agent told last.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "engine/vm/agent_link.h"
#include "engine/vm/record.h"

namespace banger::engine {

class VmUse : public std::enable_shared_from_this<VmUse> {
 public:
  VmUse(std::shared_ptr<VmRecord> record, std::shared_ptr<AgentLink> link)
      : record_(std::move(record)), link_(std::move(link)) {}

  /// While one lives, somebody uses the VM.
  class Guard {
   public:
    explicit Guard(std::shared_ptr<VmUse> use) : use_(std::move(use)) { ++use_->users_; }
    Guard(Guard&&) noexcept = default;
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (!use_) return;
      --use_->users_;
      use_->last_ = host::Clock::now();
    }

   private:
    std::shared_ptr<VmUse> use_;
  };
  Guard begin() { return Guard(shared_from_this()); }
  /// The VM has just become somebody's.
  void touch() { last_ = host::Clock::now(); }

  /// For how long a running VM has not been used; zero while it is, and for one that does not run. Counts from the end
  /// of the last use, or from the last change of state.
  host::Clock::duration idle_for() const;
  /// The agent's figures, no older than `age`. Untrusted.
  Task<Result<Json>> stats(std::chrono::milliseconds age);

 private:
  std::shared_ptr<VmRecord> record_;
  std::shared_ptr<AgentLink> link_;
  int users_ = 0;
  host::Clock::time_point last_{};
  std::string stats_;  ///< the last that were asked for, as JSON text; empty: none
  host::Clock::time_point stats_at_{};
};

}  // namespace banger::engine
