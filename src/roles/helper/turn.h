// One operation at a time, over all handler processes: what they change (links, rules) has few locks of its own.
#pragma once

#include <chrono>

#include "base/result.h"

namespace banger::roles::helper {

/// Shared with the processes that are forked after it was made.
class Turn {
 public:
  static Result<Turn> make();
  Turn(Turn&& other) noexcept;
  ~Turn();
  Turn& operator=(Turn&&) = delete;

  /// Takes the turn; `timeout` after the deadline. It is given back when this process ends, in whatever way.
  Result<> take(std::chrono::milliseconds deadline) const;
  void give_back() const;

 private:
  struct Shared;
  explicit Turn(Shared* shared) : shared_(shared) {}
  Shared* shared_;
};

}  // namespace banger::roles::helper
