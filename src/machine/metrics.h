// The counts that a VMM keeps of its guest. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace banger::machine {

/// Counts by the names of docs/rpc.md, as sums since the start of the machine. Names that end in `_us` are durations:
/// how long the last such operation took. Each VMM has its own set of names.
struct MachineMetrics {
  std::map<std::string, std::uint64_t, std::less<>> figures;

  /// Adds to a sum, which stops at the largest number instead of overflowing.
  void add(std::string_view name, std::uint64_t count);
  bool operator==(const MachineMetrics&) const = default;
};
Json to_json(const MachineMetrics& metrics);
/// Values that are not whole numbers are left out.
MachineMetrics metrics_from_json(const Json& json);

/// The number at that key, if it is whole and not negative.
std::uint64_t count_at(const Json& object, std::string_view key);

}  // namespace banger::machine
