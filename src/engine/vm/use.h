// Whether a VM is in use, and the last statistics from its agent.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "engine/vm/agent_link.h"
#include "engine/vm/record.h"
#include "link/bounds.h"

namespace banger::engine {

class VmUse : public std::enable_shared_from_this<VmUse> {
 public:
  VmUse(std::shared_ptr<VmRecord> record, std::shared_ptr<AgentLink> link)
      : record_(std::move(record)), link_(std::move(link)) {}

  /// While a guard exists, the VM is in use.
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
  /// Counts as a use, for a VM that a user has just taken over.
  void touch() { last_ = host::Clock::now(); }

  /// How long a running VM has been unused, since the last use or the last change of state. Zero while the VM is in use
  /// and while it does not run.
  host::Clock::duration idle_for() const;
  /// The agent's statistics, no older than `age`. Untrusted. The guest has `patience` to answer.
  Task<Result<Json>> stats(std::chrono::milliseconds age,
                           std::chrono::milliseconds patience = limits::kLinkRequestDeadline);

 private:
  std::shared_ptr<VmRecord> record_;
  std::shared_ptr<AgentLink> link_;
  int users_ = 0;
  host::Clock::time_point last_{};
  std::string stats_;  ///< the last statistics as JSON text; empty: none
  host::Clock::time_point stats_at_{};
};

}  // namespace banger::engine
