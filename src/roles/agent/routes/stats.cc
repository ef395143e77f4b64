// GET /stats: CPU, memory, disk and network figures, as `vm.stats` has them.
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

std::string proc_text(const char* path) { return host::read_file(path, limits::kProcFileBytes).value_or(""); }

CpuSample sample_cpu() {
  auto sample = parse_cpu(proc_text("/proc/stat")).value_or(CpuSample{});
  sample.at = host::Clock::now();
  return sample;
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

// Measures since the last call. If that was too recent or too long ago, measures over a short window.
Task<double> measure_cpu(ContextPtr context) {
  auto now = sample_cpu();
  auto before = context->cpu;
  if (!before || now.at - before->at < limits::kCpuWindow || now.at - before->at > limits::kCpuSampleAge) {
    before = now;
    co_await context->runtime.sleep_for(limits::kCpuWindow);
    now = sample_cpu();
  }
  context->cpu = now;
  co_return cpu_percent(*before, now);
}

}  // namespace

Task<> stats(ContextPtr context, StreamPtr stream) {
  auto cpu = co_await measure_cpu(context);
  auto memory = parse_meminfo(proc_text("/proc/meminfo"));
  auto disk =
      parse_diskstats(proc_text("/proc/diskstats"), [](std::string_view name) { return is_device("block", name); });
  auto network = network_traffic();
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  Json figures = {{"cpu_percent", std::round(cpu * 10) / 10},
                  {"memory_used_bytes", memory.used_bytes},
                  {"memory_total_bytes", memory.total_bytes},
                  {"disk_read_bytes", disk.in_bytes},
                  {"disk_written_bytes", disk.out_bytes},
                  {"net_received_bytes", network.in_bytes},
                  {"net_sent_bytes", network.out_bytes},
                  {"uptime_ms", std::int64_t{up.tv_sec} * 1000 + up.tv_nsec / 1'000'000},
                  {"load1", parse_load1(proc_text("/proc/loadavg"))}};
  (void)co_await stream->reply_json(200, dump_json(figures));
}

}  // namespace banger::roles::agent
