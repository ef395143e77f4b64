// banger vm egress
#include "api/objects/egress.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    {.name = "follow", .letter = 'f', .help = "print a line for each row, then one for each change, until interrupted"},
    {.name = "refused", .help = "only what was refused"},
    {.name = "json", .help = "print a JSON array, or with --follow one JSON object a line"},
};
constexpr Example kExamples[] = {
    {"banger vm egress web --refused", "what the policy keeps web from"},
    {"banger vm egress web --follow", "what web reaches from now on, after what it has reached"},
};

using Rows = std::vector<api::EgressRow>;

bool is_refused(const api::EgressRow& row) { return row.verdict == "refused"; }

std::string verdict_of(const api::EgressRow& row) {
  return row.sentence ? fmt::format("{}: {}", row.verdict, *row.sentence) : row.verdict;
}

Table table_of(const Rows& rows) {
  Table table({"NAME", "ADDRESS", "PORT", "VERDICT", "COUNT", "SENT", "RECEIVED", "LAST"});
  for (const auto& row : rows) {
    table.add({row.name, row.address.value_or(""), row.port ? std::to_string(*row.port) : "", verdict_of(row),
               std::to_string(row.count), format_size(row.sent), format_size(row.received), time_of(row.last_at)});
    if (is_refused(row)) table.colour_last(3, Paint::red);
  }
  return table;
}

std::string line_of(const api::EgressRow& row) {
  auto line = fmt::format("{}  {}", time_of(row.last_at), row.name);
  if (row.address) line += fmt::format("{}{}", row.name.empty() ? "" : " ", *row.address);
  if (row.port) line += fmt::format(":{}", *row.port);
  line += fmt::format("  {} ({}", verdict_of(row), row.count == 1 ? "once" : fmt::format("{} times", row.count));
  if (row.sent > 0 || row.received > 0)
    line += fmt::format(", {} sent, {} received", format_size(row.sent), format_size(row.received));
  return safe_text(line + ")") + "\n";
}

/// Asks for what has changed since the last time.
class Reader {
 public:
  explicit Reader(Context& context) : context_(context) {}

  Result<Rows> next(Daemon& daemon) {
    Rows rows;
    for (bool more = true; more;) {
      auto log =
          TRY(daemon.get<api::EgressLog>("vm.egress", {{"vm", context_.args.positionals[0]}, {"since", sequence_}}));
      for (auto& row : log.rows)
        if (!context_.args.flag("refused") || is_refused(row)) rows.push_back(std::move(row));
      more = log.more && log.sequence > sequence_;
      sequence_ = log.sequence;
      note_forgotten(log.forgotten);
    }
    return rows;
  }

 private:
  void note_forgotten(std::uint64_t count) {
    if (count > 0 && std::exchange(forgotten_, count) == 0)
      context_.io.note(fmt::format("{} rows are lost, because the log keeps only the last ones", count));
  }

  Context& context_;
  std::uint64_t sequence_ = 0, forgotten_ = 0;
};

Result<int> follow(Context& context, Daemon& daemon) {
  auto& io = context.io;
  bool json = form_of(context.args) == Form::json;
  Reader reader(context);
  while (io.has_reader()) {
    for (const auto& row : TRY(reader.next(daemon)))
      io.print(json ? dump_json(api::to_json(row)) + "\n" : line_of(row));
    if (TRY(daemon.signals().wait_for(limits::kEgressInterval))) return exit_status::kInterrupted;
  }
  return exit_status::kOk;
}

Result<int> egress(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  if (context.args.flag("follow")) return follow(context, daemon);
  auto rows = TRY(Reader(context).next(daemon));
  if (form_of(context.args) == Form::json)
    print_json(io, rows);
  else
    io.print(table_of(rows).text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmEgress;
constinit const Command kVmEgress{
    .group = "vm",
    .name = "egress",
    .summary = "show what a VM with an egress policy reached, and what was refused",
    .details =
        "Lookups of names have no address and no port. Repeats of one thing are one row with a count. The oldest "
        "change comes first.\n"
        "The policy is that of --egress and --allow of 'banger vm create' and 'banger vm set'. Nothing is recorded of "
        "a VM whose policy is open without allowed hosts. The log is in memory and has a limited length.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = egress,
};

}  // namespace banger::roles::cli
