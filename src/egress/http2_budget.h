// How often something may happen: a number at once, and a rate for ever. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "egress/openings.h"

namespace banger::egress {

class Http2Budget {
 public:
  Http2Budget(double most, double per_second) : most_(most), per_second_(per_second), left_(most) {}

  /// Whether it may happen once more.
  bool spend(Instant now) {
    std::chrono::duration<double> passed = now - last_;
    if (last_ != Instant{} && passed.count() > 0) left_ = std::min(most_, left_ + passed.count() * per_second_);
    last_ = now;
    left_ -= 1;
    return left_ >= 0;
  }

 private:
  double most_, per_second_, left_;
  Instant last_{};
};

}  // namespace banger::egress
