// Computes figures from the texts of /proc (proc(5)). Pure. Malformed parts count as zero.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace banger::roles::agent {

/// Ticks of all CPUs since boot, and when they were read.
struct CpuSample {
  std::uint64_t busy = 0, total = 0;
  std::chrono::steady_clock::time_point at = {};
};
std::optional<CpuSample> parse_cpu(std::string_view proc_stat);
/// 0 to 100: the busy share of all the guest's CPUs together. Time that the host took away (steal) does not count as
/// busy.
double cpu_percent(const CpuSample& before, const CpuSample& after);

struct Memory {
  std::uint64_t used_bytes = 0, total_bytes = 0;  ///< used: the memory that new programs cannot get
};
Memory parse_meminfo(std::string_view meminfo);

/// Whether a device of that name is counted.
using Wanted = std::function<bool(std::string_view name)>;

struct Traffic {
  std::uint64_t in_bytes = 0, out_bytes = 0;  ///< read and written, or received and sent
};
Traffic parse_diskstats(std::string_view diskstats, const Wanted& wanted);
Traffic parse_net_dev(std::string_view net_dev, const Wanted& wanted);

double parse_load1(std::string_view loadavg);

}  // namespace banger::roles::agent
