// Taps that are ready for the next VM, with their descriptors. With one of them, acquire costs one write to the store.
#pragma once

#include <optional>
#include <vector>

#include "capabilities/bridge/taps.h"

namespace banger::capabilities {

struct IdleTap {
  std::uint32_t number;
  UniqueFd fd;
};

class IdleTaps {
 public:
  explicit IdleTaps(Taps& taps) : taps_(taps) {}

  std::size_t size() const { return idle_.size(); }
  bool empty() const { return idle_.empty(); }
  /// Makes one more.
  Task<Result<>> add();
  /// One of them, if there is any. The caller attaches or discards it.
  std::optional<IdleTap> take();
  /// Discards all of them.
  void discard();

 private:
  Taps& taps_;
  std::vector<IdleTap> idle_;
};

}  // namespace banger::capabilities
