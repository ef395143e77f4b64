#include "machine/qemu/throttle.h"

#include <nlohmann/json.hpp>

namespace banger::machine::qemu {

std::vector<Json> throttles_of(const Json& blocks, const DiskLimits& limits) {
  std::vector<Json> list;
  if (!blocks.is_array()) return list;
  for (const auto& block : blocks) {
    auto device = get_string(block, "qdev");
    if (!device || device->empty() || !block.contains("inserted")) continue;
    Json throttle = {{"id", *device}, {"group", "disks"}, {"bps", limits.bytes}, {"iops", limits.operations}};
    for (const char* none : {"bps_rd", "bps_wr", "iops_rd", "iops_wr"}) throttle[none] = 0;
    list.push_back(std::move(throttle));
  }
  return list;
}

}  // namespace banger::machine::qemu
