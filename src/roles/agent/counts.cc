#include "roles/agent/counts.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

std::string proc_text(const char* path) { return host::read_file(path, limits::kProcFileBytes).value_or(""); }

std::int64_t uptime_ms() {
  timespec up{};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  return std::int64_t{up.tv_sec} * 1000 + up.tv_nsec / 1'000'000;
}

// Real devices have a `device` link. Partitions, loops and bridges have none; they would count bytes twice.
bool is_device(std::string_view kind, std::string_view name) {
  return ::access(fmt::format("/sys/{}/{}/device", kind, name).c_str(), F_OK) == 0;
}

Traffic network_traffic() {
  auto text = proc_text("/proc/net/dev");
  bool any = false;
  auto traffic =
      parse_net_dev(text, [&](std::string_view name) { return is_device("class/net", name) && (any = true); });
  // A container's network has no real device.
  return any ? traffic : parse_net_dev(text, [](std::string_view name) { return name != "lo"; });
}

template <class Count>
Count more(Count now, Count before) {
  return now > before ? now - before : 0;
}

Traffic operator-(const Traffic& now, const Traffic& before) {
  return {.in_bytes = more(now.in_bytes, before.in_bytes), .out_bytes = more(now.out_bytes, before.out_bytes)};
}

}  // namespace

Counts read_counts() {
  auto disk =
      parse_diskstats(proc_text("/proc/diskstats"), [](std::string_view name) { return is_device("block", name); });
  return {.disk = disk, .network = network_traffic(), .uptime_ms = uptime_ms()};
}

Counts operator-(const Counts& now, const Counts& before) {
  return {.disk = now.disk - before.disk,
          .network = now.network - before.network,
          .uptime_ms = more(now.uptime_ms, before.uptime_ms)};
}

void CountsOfGuest::named(const std::string& name) {
  if (name.empty() || name == name_) return;
  // The name of the boot, which the agent learns first.
  bool boots = name_.empty();
  name_ = name;
  if (boots) return;
  due_ = true;
  before_.uptime_ms = uptime_ms();
}

void CountsOfGuest::begin() {
  if (!due_) return;
  due_ = false;
  auto read = read_counts();
  before_.disk = read.disk;
  before_.network = read.network;
}

Counts CountsOfGuest::now() {
  begin();
  return read_counts() - before_;
}

}  // namespace banger::roles::agent
