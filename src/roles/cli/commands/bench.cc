// banger bench
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/config.h"
#include "host/paths.h"
#include "roles/cli/bench_rounds.h"
#include "roles/cli/bounds.h"
#include "roles/cli/output.h"
#include "roles/cli/progress.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "count", .letter = 'n', .kind = Kind::count, .value = "N", .help = "rounds of each kind (default: 20)"},
    create_option(vm::field_named("image")),
    create_option(vm::field_named("vcpus")),
    create_option(vm::field_named("memory_bytes")),
    {.name = "json", .help = "print a JSON array with one object for each way in which a VM came up"},
};
constexpr Example kExamples[] = {{"banger bench --memory 512M --count 50", "fifty rounds with small VMs"}};

// The rounds of one kind.
struct Phase {
  std::string_view name;
  std::int64_t rounds;
  Start start_by = Start::clone;
  bool waits_for_pool = false;
};

bool has_pool(const Io& io) {
  auto paths = host::find_paths(io.env);
  auto settings = paths ? config::load_config(paths->config_file) : Result<config::Config>(config::Config{});
  return settings && settings->templates && settings->pool_size > 0;
}

std::vector<Phase> phases_of(const Io& io, std::int64_t count) {
  std::vector<Phase> phases;
  if (has_pool(io)) phases.push_back({.name = "ready pool", .rounds = count, .waits_for_pool = true});
  phases.push_back({.name = "one after the other", .rounds = count});
  phases.push_back(
      {.name = "cold", .rounds = std::clamp<std::int64_t>(count / 5, 1, limits::kBenchBoots), .start_by = Start::boot});
  return phases;
}

Result<std::vector<Round>> measure(Io& io, BenchRounds& rounds, std::int64_t count) {
  Progress progress(io);
  std::vector<Round> done;
  progress.update({.stage = "prepare", .detail = "a first VM, which is not counted", .percent = -1});
  TRY(rounds.run(Start::clone, progress.callback()));
  for (const auto& phase : phases_of(io, count))
    for (std::int64_t i = 0; i < phase.rounds; ++i) {
      progress.update({.stage = std::string(phase.name),
                       .detail = fmt::format("round {} of {}", i + 1, phase.rounds),
                       .percent = static_cast<int>(100 * i / phase.rounds)});
      if (phase.waits_for_pool) TRY(rounds.wait_for_pool());
      done.push_back(TRY(rounds.run(phase.start_by)));
    }
  return done;
}

struct Figures {
  std::string started_from;
  std::size_t rounds = 0;
  Percentiles created, output, total;
};

// The figures of each way, in the order of its first round.
std::vector<Figures> by_started_from(const std::vector<Round>& rounds) {
  std::vector<Figures> all;
  for (const auto& first : rounds) {
    if (std::ranges::find(all, first.started_from, &Figures::started_from) != all.end()) continue;
    std::vector<double> created, output, total;
    for (const auto& round : rounds) {
      if (round.started_from != first.started_from) continue;
      created.push_back(round.created_ms);
      output.push_back(round.output_ms);
      total.push_back(round.total_ms);
    }
    all.push_back({.started_from = first.started_from,
                   .rounds = created.size(),
                   .created = percentiles(created),
                   .output = percentiles(output),
                   .total = percentiles(total)});
  }
  return all;
}

Json json_of(const Percentiles& of) { return {{"p50", of.p50}, {"p90", of.p90}, {"p99", of.p99}}; }

Json json_of(const std::vector<Figures>& all) {
  Json list = Json::array();
  for (const auto& each : all)
    list.push_back({{"way", each.started_from},
                    {"rounds", each.rounds},
                    {"created_ms", json_of(each.created)},
                    {"output_ms", json_of(each.output)},
                    {"total_ms", json_of(each.total)}});
  return list;
}

Table table_of(const std::vector<Figures>& all) {
  Table table({"WAY", "ROUNDS", "FROM CREATE TO", "P50 MS", "P90 MS", "P99 MS"});
  auto add = [&](const Figures& each, std::string what, const Percentiles& of) {
    table.add({each.started_from, std::to_string(each.rounds), std::move(what), fmt::format("{:.1f}", of.p50),
               fmt::format("{:.1f}", of.p90), fmt::format("{:.1f}", of.p99)});
  };
  for (const auto& each : all) {
    add(each, "ready", each.created);
    add(each, "first output", each.output);
    add(each, "deleted", each.total);
  }
  return table;
}

Result<int> run(Context& context) {
  auto& io = context.io;
  auto count = context.args.number("count").value_or(20);
  if (count < 1 || count > limits::kBenchRounds)
    return context.usage(fmt::format("--count: {} is not within 1 and {}", count, limits::kBenchRounds));
  auto daemon = TRY(Daemon::connect(io));
  BenchRounds rounds(io, daemon, given_shape(context.args));
  auto figures = by_started_from(TRY(measure(io, rounds, count)));
  if (form_of(context.args) == Form::json)
    print_json(io, json_of(figures));
  else
    io.print(table_of(figures).text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kBench;
constinit const Command kBench{
    .name = "bench",
    .summary = "measure on this host how long a new VM takes",
    .details =
        "Each round makes a VM, runs 'echo' in it and deletes it, like 'banger vm run --rm'. The first rounds use the "
        "ready pool, if the config has one, and wait until the pool is filled. The next rounds follow at once, so "
        "their "
        "VMs are cloned from the template. In the last rounds VMs boot. A round before all others makes the template "
        "and is not counted. The VMs are called bench-… and are always deleted, also after an interrupt.",
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
