#include "machine/qemu/metrics.h"

#include <nlohmann/json.hpp>

namespace banger::machine::qemu {

namespace {

constexpr std::pair<std::string_view, std::string_view> kFigures[] = {{"disk_read_bytes", "rd_bytes"},
                                                                      {"disk_written_bytes", "wr_bytes"},
                                                                      {"disk_reads", "rd_operations"},
                                                                      {"disk_writes", "wr_operations"},
                                                                      {"disk_flushes", "flush_operations"}};

}  // namespace

MachineMetrics metrics_of(const Json& blockstats) {
  MachineMetrics metrics;
  if (!blockstats.is_array()) return metrics;
  for (const auto& drive : blockstats)
    if (drive.is_object() && drive.contains("stats"))
      for (const auto& [ours, theirs] : kFigures) metrics.add(ours, count_at(drive.at("stats"), theirs));
  return metrics;
}

}  // namespace banger::machine::qemu
