// banger vm stats
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/bounds.h"
#include "roles/cli/fan_out.h"
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
    {.name = "json", .help = "print a JSON array, one object for each VM; a VM without figures has 'error'"},
};

Result<std::vector<std::string>> running_vms(Daemon& daemon) {
  std::vector<std::string> names;
  for (auto& vm : TRY(daemon.get<api::VmList>("vm.list")).vms)
    if (vm.state == vm::State::running) names.push_back(std::move(vm.name));
  return names;
}

struct Measured {
  std::string vm;
  Result<api::VmStats> stats;
};

// All VMs are asked at the same time, so a guest that does not answer costs the others one deadline at most.
Result<std::vector<Measured>> measure(Daemon& daemon, const std::vector<std::string>& wanted, const Json& params) {
  auto names = wanted.empty() ? TRY(running_vms(daemon)) : each_once(wanted);
  std::map<std::string, Result<api::VmStats>> found;
  TRY(call_all(daemon, {.method = "vm.stats"}, names, params, [&](const std::string& name, Result<Json> outcome) {
    found.emplace(name, outcome ? api::read<api::VmStats>(*outcome) : std::unexpected(std::move(outcome).error()));
    return Result<>();
  }));
  std::vector<Measured> all;
  for (const auto& name : names) all.push_back({name, std::move(found.at(name))});
  return all;
}

Json json_of(const Error& error) {
  return {{"code", std::string(to_string(error.code))}, {"message", error.message}, {"hint", error.hint}};
}

// {"vm": name, …figures} for each VM, or {"vm": name, "error": …}.
Json json_of(const std::vector<Measured>& all) {
  Json list = Json::array();
  for (const auto& [vm, stats] : all) {
    list.push_back(stats ? api::to_json(*stats) : Json{{"error", json_of(stats.error())}});
    list.back()["vm"] = vm;
  }
  return list;
}

std::vector<std::string> row_of(const std::string& vm, const api::VmStats& stats) {
  return {vm,
          fmt::format("{:.1f}%", stats.cpu_percent),
          fmt::format("{:.2f}", stats.load1),
          fmt::format("{} / {}", format_size(stats.memory_used_bytes), format_size(stats.memory_total_bytes)),
          format_size(stats.disk_read_bytes),
          format_size(stats.disk_written_bytes),
          format_size(stats.net_received_bytes),
          format_size(stats.net_sent_bytes),
          stats.host_pss_bytes ? format_size(*stats.host_pss_bytes) : "",
          format_duration(std::chrono::milliseconds(std::max<std::int64_t>(stats.uptime_ms, 0)))};
}

// A VM without figures has a dash. The reason follows below the table.
Table table_of(const std::vector<Measured>& all) {
  Table table({"VM", "CPU", "LOAD", "MEMORY", "DISK READ", "WRITTEN", "NET IN", "OUT", "HOST MEMORY", "UP"});
  for (const auto& [vm, stats] : all)
    table.add(stats ? row_of(vm, *stats) : std::vector<std::string>{vm, "-", "-", "-", "-", "-", "-", "-", "-", "-"});
  return table;
}

void print_all(Context& context, const std::vector<Measured>& all) {
  auto& io = context.io;
  bool watch = context.args.flag("watch");
  if (form_of(context.args) == Form::json)
    return io.print((watch ? dump_json(json_of(all)) : dump_json_pretty(json_of(all))) + "\n");
  // On a terminal, each table replaces the table before.
  if (watch && io.out_is_terminal()) io.print("\033[H\033[J");
  io.print(table_of(all).text(colours_of(context)));
  for (const auto& [vm, stats] : all)
    if (!stats) io.note(safe_text(stats.error().sentence()));
}

Result<int> stats(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  bool watch = context.args.flag("watch");
  const auto& wanted = context.args.positionals;
  Json params = Json::object();
  if (watch) params["max_age_ms"] = 0;
  if (watch || wanted.size() != 1) params["timeout_ms"] = std::chrono::milliseconds(limits::kStatsPatience).count();
  while (io.out_errno == 0) {
    auto all = TRY(measure(daemon, wanted, params));
    if (wanted.size() == 1 && !watch && !all[0].stats) return std::unexpected(std::move(all[0].stats).error());
    print_all(context, all);
    if (!watch)
      return std::ranges::all_of(all, [](const auto& one) { return bool(one.stats); }) ? exit_status::kOk
                                                                                       : exit_status::kFailed;
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
