// Which calls somebody waits for. Work in the background asks here, so that it keeps out of their way.
#pragma once

#include <utility>

#include "host/runtime.h"

namespace banger::host {

/// Calls that somebody waits for. The pool keeps out of their way.
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
  /// Returns when there was no call for limits::kPoolCalm.
  Task<> wait_idle();

 private:
  int calls_ = 0;
  Clock::time_point last_{};
  Event ended_;
};

}  // namespace banger::host
