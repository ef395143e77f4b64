// Counts the calls that clients wait for. Work in the background waits until there are none.
#pragma once

#include <utility>

#include "host/runtime.h"

namespace banger::host {

/// The calls that clients wait for. The pool of ready machines works between them.
class Foreground {
 public:
  explicit Foreground(Runtime& runtime) : ended_(runtime) {}
  class Call {
   public:
    explicit Call(Foreground* foreground) : foreground_(foreground) { ++foreground_->calls_; }
    Call(Call&& other) noexcept : foreground_(std::exchange(other.foreground_, nullptr)) {}
    Call& operator=(Call&&) = delete;
    ~Call() {
      if (!foreground_) return;
      --foreground_->calls_;
      foreground_->last_ = Clock::now();
      foreground_->ended_.notify_all();
    }

   private:
    Foreground* foreground_;
  };
  Call begin() { return Call(this); }
  /// Returns after limits::kForegroundQuiet without a call.
  Task<> wait_idle();

 private:
  int calls_ = 0;
  Clock::time_point last_{};
  Event ended_;
};

}  // namespace banger::host
