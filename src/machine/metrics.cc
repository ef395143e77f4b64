#include "machine/metrics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace banger::machine {

void MachineMetrics::add(std::string_view name, std::uint64_t count) {
  auto& sum = figures.try_emplace(std::string(name), 0).first->second;
  sum += std::min(count, UINT64_MAX - sum);
}

std::uint64_t count_at(const Json& object, std::string_view key) {
  if (!object.is_object()) return 0;
  auto it = object.find(key);
  return it != object.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

Json to_json(const MachineMetrics& metrics) { return metrics.figures; }

MachineMetrics metrics_from_json(const Json& json) {
  MachineMetrics metrics;
  if (!json.is_object()) return metrics;
  for (const auto& [name, value] : json.items())
    if (value.is_number_unsigned()) metrics.figures[name] = value.get<std::uint64_t>();
  return metrics;
}

}  // namespace banger::machine
