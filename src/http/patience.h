// How long a wait on the network may last, and who may end it.
#pragma once

#include <chrono>

#include "host/runtime.h"

namespace banger::http {

struct Patience {
  std::chrono::milliseconds stall{};             ///< without a byte
  host::Deadline whole = host::Deadline::max();  ///< of everything
  const host::Cancel* cancel = nullptr;          ///< borrowed; may be null

  /// The same, with an earlier end.
  Patience until(host::Deadline earlier) const {
    auto copy = *this;
    copy.whole = std::min(whole, earlier);
    return copy;
  }
};

}  // namespace banger::http
