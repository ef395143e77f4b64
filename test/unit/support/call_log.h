// One list of what happened, shared by all fakes of a test: calls of the VMM, requests to the agent, writes to the
// store. So a test can tell what came before what, and can let any one step fail, or cut everything off from a step on.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace banger::test {

class CallLog {
 public:
  enum class Then { go_on, crash };

  /// Records a step; an error when this is the one that is to fail.
  Result<> step(std::string name) {
    steps_.push_back(name);
    bool now = steps_.size() == nth_ || (!name_.empty() && name.starts_with(name_));
    if (now) {
      hit_ = true;
      if (then_ == Then::crash) crash();
    }
    if (!now && !crashed_) return {};
    return fail(ErrorCode::internal, "made to fail: " + name);
  }

  /// The Nth step from now on fails. With `crash` all that follow do too: to the world the daemon has died there.
  void fail_at(std::size_t nth, Then then = Then::go_on) {
    heal();
    nth_ = nth;
    then_ = then;
  }
  /// Every step fails whose name begins so.
  void fail_on(std::string name) {
    heal();
    name_ = std::move(name);
  }
  /// Nothing fails any more, and the list is empty.
  void heal() {
    steps_.clear();
    name_.clear();
    nth_ = 0;
    hit_ = crashed_ = false;
  }
  /// Called at the step where the daemon dies.
  std::function<void()> on_crash;

  bool hit() const { return hit_; }
  bool crashed() const { return crashed_; }
  const std::vector<std::string>& steps() const { return steps_; }
  bool has(std::string_view name) const { return find(name) < steps_.size(); }
  /// The place of the first step whose name begins so; past the end when there is none.
  std::size_t find(std::string_view name) const {
    auto it = std::ranges::find_if(steps_, [&](const auto& step) { return step.starts_with(name); });
    return static_cast<std::size_t>(it - steps_.begin());
  }
  /// Both happened, in this order.
  bool in_order(std::string_view first, std::string_view second) const {
    return find(first) < find(second) && has(second);
  }

 private:
  void crash() {
    if (!std::exchange(crashed_, true) && on_crash) on_crash();
  }

  std::vector<std::string> steps_;
  std::size_t nth_ = 0;
  std::string name_;
  Then then_ = Then::go_on;
  bool hit_ = false, crashed_ = false;
};

}  // namespace banger::test
