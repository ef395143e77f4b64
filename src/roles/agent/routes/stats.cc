// GET /stats: CPU, memory, disk and network figures, as `vm.stats` has them.
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
  auto [disk, network, uptime_ms] = context->counts.now();
  Json figures = {{"cpu_percent", std::round(cpu * 10) / 10},
                  {"memory_used_bytes", memory.used_bytes},
                  {"memory_total_bytes", memory.total_bytes},
                  {"disk_read_bytes", disk.in_bytes},
                  {"disk_written_bytes", disk.out_bytes},
                  {"net_received_bytes", network.in_bytes},
                  {"net_sent_bytes", network.out_bytes},
                  {"uptime_ms", uptime_ms},
                  {"load1", parse_load1(proc_text("/proc/loadavg"))}};
  (void)co_await stream->reply_json(200, dump_json(figures));
}

}  // namespace banger::roles::agent
