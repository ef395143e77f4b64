// banger vm stats
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "VM",
                                        .help = "names, ids or unique id prefixes (default: all running VMs)",
                                        .names = Names::vm,
                                        .required = false,
                                        .repeated = true}};
constexpr Option kOptions[] = {
    {.name = "watch", .letter = 'w', .help = "print again every second, until interrupted"},
    {.name = "json", .help = "print a JSON array, one object for each VM"},
};

Result<std::vector<std::string>> running_vms(Daemon& daemon) {
  std::vector<std::string> names;
  for (auto& vm : TRY(daemon.get<api::VmList>("vm.list")).vms)
    if (vm.state == vm::State::running) names.push_back(std::move(vm.name));
  return names;
}

struct Measured {
  std::string vm;
  api::VmStats stats;
};

Result<std::vector<Measured>> measure(Daemon& daemon, const std::vector<std::string>& wanted) {
  std::vector<Measured> all;
  for (const auto& vm : wanted.empty() ? TRY(running_vms(daemon)) : wanted)
    all.push_back({vm, TRY(daemon.get<api::VmStats>("vm.stats", {{"vm", vm}}))});
  return all;
}

// {"vm": name, …figures} for each VM.
Json json_of(const std::vector<Measured>& all) {
  Json list = Json::array();
  for (const auto& [vm, stats] : all) list.emplace_back(api::to_json(stats))["vm"] = vm;
  return list;
}

Table table_of(const std::vector<Measured>& all) {
  Table table({"VM", "CPU", "LOAD", "MEMORY", "DISK READ", "WRITTEN", "NET IN", "OUT", "HOST MEMORY", "UP"});
  for (const auto& [vm, stats] : all) {
    table.add({vm, fmt::format("{:.1f}%", stats.cpu_percent), fmt::format("{:.2f}", stats.load1),
               fmt::format("{} / {}", format_size(stats.memory_used_bytes), format_size(stats.memory_total_bytes)),
               format_size(stats.disk_read_bytes), format_size(stats.disk_written_bytes),
               format_size(stats.net_received_bytes), format_size(stats.net_sent_bytes),
               stats.host_pss_bytes ? format_size(*stats.host_pss_bytes) : "",
               format_duration(std::chrono::milliseconds(std::max<std::int64_t>(stats.uptime_ms, 0)))});
  }
  return table;
}

Result<int> stats(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  bool watch = context.args.flag("watch");
  bool json = form_of(context.args) == Form::json;
  while (io.out_errno == 0) {
    auto all = TRY(measure(daemon, context.args.positionals));
    // On a terminal, each table replaces the table before.
    if (watch && !json && io.out_is_terminal()) io.print("\033[H\033[J");
    if (json)
      io.print((watch ? dump_json(json_of(all)) : dump_json_pretty(json_of(all))) + "\n");
    else
      io.print(table_of(all).text(colours_of(context)));
    if (!watch) break;
    if (TRY(daemon.signals().wait_for(limits::kStatsInterval))) return exit_status::kInterrupted;
  }
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmStats;
constinit const Command kVmStats{
    .group = "vm",
    .name = "stats",
    .summary = "show what VMs use: processor, memory, disk and network",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = stats,
};

}  // namespace banger::roles::cli
