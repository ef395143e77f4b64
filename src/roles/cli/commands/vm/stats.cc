// banger vm stats
#include <fmt/format.h>
#include <poll.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr int kWatchMs = 1000;

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
  for (auto& vm : TRY(daemon.get<api::VmList>("vm.list", Json::object())).vms)
    if (vm.state == vm::State::running) names.push_back(std::move(vm.name));
  return names;
}

// {"vm": name, …figures} for each VM.
Result<Json> measure(Daemon& daemon, const std::vector<std::string>& wanted) {
  Json all = Json::array();
  for (const auto& vm : wanted.empty() ? TRY(running_vms(daemon)) : wanted) {
    auto stats = TRY(daemon.call("vm.stats", {{"vm", vm}}));
    stats["vm"] = vm;
    all.push_back(std::move(stats));
  }
  return all;
}

Result<std::string> table_text(const Json& all, bool colour) {
  Table table({"VM", "CPU", "LOAD", "MEMORY", "DISK READ", "WRITTEN", "NET IN", "OUT", "HOST MEMORY", "UP"});
  for (const auto& each : all) {
    auto stats = TRY(api::read<api::VmStats>(each));
    table.add({text_of(each, "vm"), fmt::format("{:.1f}%", stats.cpu_percent), fmt::format("{:.2f}", stats.load1),
               fmt::format("{} / {}", format_size(stats.memory_used_bytes), format_size(stats.memory_total_bytes)),
               format_size(stats.disk_read_bytes), format_size(stats.disk_written_bytes),
               format_size(stats.net_received_bytes), format_size(stats.net_sent_bytes),
               stats.host_pss_bytes ? format_size(*stats.host_pss_bytes) : "",
               format_duration(std::chrono::milliseconds(std::max<std::int64_t>(stats.uptime_ms, 0)))});
  }
  return table.text(colour);
}

Result<int> stats(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  bool watch = context.args.flag("watch"), json = context.args.flag("json");
  while (io.out_errno == 0) {
    auto all = TRY(measure(daemon, context.args.positionals));
    // On a terminal, each table replaces the table before.
    if (watch && !json && io.out_is_terminal()) io.print("\033[H\033[J");
    io.print(json ? (watch ? dump_json(all) : dump_json_pretty(all)) + "\n" : TRY(table_text(all, io.colour(io.out))));
    if (!watch) break;
    pollfd waiting{daemon.signals().fd(), POLLIN, 0};
    if (::poll(&waiting, 1, kWatchMs) > 0) return exit_status::kInterrupted;
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
