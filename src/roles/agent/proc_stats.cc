#include "roles/agent/proc_stats.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <vector>

#include "base/text.h"

namespace banger::roles::agent {

namespace {

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  for (auto part : split(line, ' '))
    if (auto word = trim(part); !word.empty()) found.push_back(word);
  return found;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

constexpr std::uint64_t kSectorBytes = 512;  // the unit of /proc/diskstats, whatever the disk's own sectors are

}  // namespace

std::optional<CpuSample> parse_cpu(std::string_view proc_stat) {
  auto field = words(proc_stat.substr(0, proc_stat.find('\n')));
  if (field.size() < 8 || field[0] != "cpu") return std::nullopt;
  // user nice system idle iowait irq softirq steal; guest times are within user's.
  std::uint64_t ticks[8] = {};
  for (std::size_t i = 0; i < 8 && i + 1 < field.size(); ++i) ticks[i] = number(field[i + 1]);
  CpuSample sample;
  sample.total = std::accumulate(std::begin(ticks), std::end(ticks), std::uint64_t{0});
  sample.busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6];
  return sample;
}

double cpu_percent(const CpuSample& before, const CpuSample& after) {
  if (after.total <= before.total || after.busy < before.busy) return 0;
  auto share = static_cast<double>(after.busy - before.busy) / static_cast<double>(after.total - before.total);
  return std::clamp(share * 100, 0.0, 100.0);
}

Memory parse_meminfo(std::string_view meminfo) {
  std::uint64_t total = 0, rest = 0;
  std::optional<std::uint64_t> available;
  for (auto line : split(meminfo, '\n')) {
    auto field = words(line);
    if (field.size() < 2) continue;
    auto bytes = number(field[1]) * 1024;
    if (field[0] == "MemTotal:") total = bytes;
    if (field[0] == "MemAvailable:") available = bytes;
    if (field[0] == "MemFree:" || field[0] == "Buffers:" || field[0] == "Cached:") rest += bytes;
  }
  return {total - std::min(total, available.value_or(rest)), total};
}

Traffic parse_diskstats(std::string_view diskstats, const Wanted& wanted) {
  Traffic traffic;
  for (auto line : split(diskstats, '\n')) {
    // major minor name reads merged sectors-read ms writes merged sectors-written …
    auto field = words(line);
    if (field.size() < 10 || !wanted(field[2])) continue;
    traffic.in_bytes += number(field[5]) * kSectorBytes;
    traffic.out_bytes += number(field[9]) * kSectorBytes;
  }
  return traffic;
}

Traffic parse_net_dev(std::string_view net_dev, const Wanted& wanted) {
  Traffic traffic;
  for (auto line : split(net_dev, '\n')) {
    auto colon = line.find(':');
    if (colon == line.npos || !wanted(trim(line.substr(0, colon)))) continue;
    // eight figures received, eight sent; bytes first in each
    auto field = words(line.substr(colon + 1));
    if (field.size() < 9) continue;
    traffic.in_bytes += number(field[0]);
    traffic.out_bytes += number(field[8]);
  }
  return traffic;
}

double parse_load1(std::string_view loadavg) {
  double load = 0;
  std::from_chars(loadavg.data(), loadavg.data() + loadavg.size(), load);
  return load;
}

}  // namespace banger::roles::agent
