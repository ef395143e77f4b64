// What a VMM counts of its guest. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace banger::machine {

/// By the names of docs/rpc.md: sums since the machine was started, but those that end in `_us`, which tell how long
/// something took the last time. Which of them there are depends on the VMM.
struct MachineMetrics {
  std::map<std::string, std::uint64_t, std::less<>> figures;

  /// Never overflows: what is too much stays at the largest number.
  void add(std::string_view name, std::uint64_t count);
  bool operator==(const MachineMetrics&) const = default;
};
Json to_json(const MachineMetrics& metrics);
/// Anything but whole numbers is left out.
MachineMetrics metrics_from_json(const Json& json);

/// The number at that key, if it is a whole one and not negative.
std::uint64_t count_at(const Json& object, std::string_view key);

}  // namespace banger::machine
