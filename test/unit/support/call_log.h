// One log of all steps, shared by all fakes of a test: calls of the VMM, requests to the agent, writes to the store. A
// test can check the order of steps, let one step fail, or simulate a crash of the daemon at a step.
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

  /// Records a step. Returns an error if this step was chosen to fail, or if the daemon has crashed.
  Result<> step(std::string name) {
    steps_.push_back(name);
    bool now = steps_.size() == nth_ || (!name_.empty() && name.starts_with(name_));
    if (now) {
      hit_ = true;
      if (then_ == Then::crash) crash();
    }
    if (!now && !crashed_) return {};
    return fail(code_, "made to fail: " + name);
  }

  /// The Nth step from now on fails, counted from 1. With `crash` all later steps fail too, as if the daemon had died.
  void fail_at(std::size_t nth, Then then = Then::go_on) {
    heal();
    nth_ = nth;
    then_ = then;
  }
  /// Every step whose name begins with `name` fails, with that code.
  void fail_on(std::string name, ErrorCode code = ErrorCode::internal) {
    heal();
    name_ = std::move(name);
    code_ = code;
  }
  /// Clears the log. No step fails any more.
  void heal() {
    steps_.clear();
    name_.clear();
    code_ = ErrorCode::internal;
    nth_ = 0;
    hit_ = crashed_ = false;
  }
  /// Called at the step where the daemon dies.
  std::function<void()> on_crash;

  bool hit() const { return hit_; }
  bool crashed() const { return crashed_; }
  const std::vector<std::string>& steps() const { return steps_; }
  bool has(std::string_view name) const { return find(name) < steps_.size(); }
  /// The index of the first step whose name begins with `name`, or the number of steps if there is none.
  std::size_t find(std::string_view name) const {
    auto it = std::ranges::find_if(steps_, [&](const auto& step) { return step.starts_with(name); });
    return static_cast<std::size_t>(it - steps_.begin());
  }
  /// Whether both steps happened in this order.
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
  ErrorCode code_ = ErrorCode::internal;  ///< of the failed steps
  Then then_ = Then::go_on;
  bool hit_ = false, crashed_ = false;
};

}  // namespace banger::test
