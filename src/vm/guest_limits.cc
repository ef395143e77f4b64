#include "vm/guest_limits.h"

#include <fmt/format.h>

#include "base/text.h"
#include "vm/bounds.h"

namespace banger::vm {

namespace {

Result<> check_bandwidth(std::string_view what, std::uint64_t bytes, std::uint64_t most) {
  if (bytes == 0) return {};
  if (bytes < limits::kLeastBandwidthBytes)
    return fail(ErrorCode::invalid, fmt::format("{} of {} is too little to work with", what, rate_text(bytes)),
                fmt::format("give at least {}, or 0 for no limit", format_size(limits::kLeastBandwidthBytes)));
  if (bytes > most)
    return fail(ErrorCode::invalid, fmt::format("{} of {} is no limit", what, rate_text(bytes)),
                fmt::format("give at most {}, or 0 for no limit", format_size(most)));
  return {};
}

Result<> check_count(std::string_view what, std::uint32_t count, std::uint32_t least, std::uint32_t most) {
  if (count == 0 || (count >= least && count <= most)) return {};
  return fail(ErrorCode::invalid,
              fmt::format("{} {} are too {}", count, what, count < least ? "few to work with" : "many for a limit"),
              fmt::format("give {} to {}, or 0 for no limit", least, most));
}

}  // namespace

Result<> check_guest_limits(const Spec& spec) {
  TRY(check_count("disk operations a second", spec.disk_iops, limits::kLeastDiskIops, limits::kMostDiskIops));
  TRY(check_bandwidth("a disk bandwidth", spec.disk_bandwidth_bytes, limits::kMostBandwidthBytes));
  TRY(check_bandwidth("a network bandwidth", spec.net_bandwidth_bytes, limits::kMostNetBandwidthBytes));
  return check_count("processes", spec.pids, limits::kLeastPids, limits::kMostPids);
}

std::string rate_text(std::uint64_t bytes) { return format_size(bytes) + "/s"; }

std::string disk_limit_text(std::uint32_t iops, std::uint64_t bandwidth_bytes) {
  std::string text;
  if (iops > 0) text = fmt::format("{} operations/s", iops);
  if (bandwidth_bytes > 0) text += (text.empty() ? "" : ", ") + rate_text(bandwidth_bytes);
  return text;
}

}  // namespace banger::vm
