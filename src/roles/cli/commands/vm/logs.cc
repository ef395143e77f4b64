// banger vm logs
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/log_stream.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kSources[] = {"console", "machine"};
constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    {.name = "follow", .letter = 'f', .help = "also print new lines, until the VM stops"},
    {.name = "source",
     .kind = Kind::text,
     .value = "LOG",
     .help = "the guest's console (default) or the log of the VMM",
     .names = Names::choice,
     .choices = kSources},
    tail_option("only the last lines, like 20; or all (default: the last 1M of the log)"),
};

Result<int> logs(Context& context) {
  Json params = {{"vm", context.args.positionals[0]},
                 {"source", context.args.text("source").value_or("console")},
                 {"follow", context.args.flag("follow")}};
  auto lines = context.args.number("tail");
  if (lines && *lines >= 0) params["tail_lines"] = *lines;
  if (lines && *lines < 0) params["tail_bytes"] = INT64_MAX;
  auto daemon = TRY(Daemon::connect(context.io));
  auto stream = TRY(daemon.open_stream("vm.logs", params));
  return copy_log(context.io, std::move(stream), daemon.signals());
}

}  // namespace

extern const Command kVmLogs;
constinit const Command kVmLogs{
    .group = "vm",
    .name = "logs",
    .summary = "print the console of a VM, or the log of its VMM",
    .details =
        "On a terminal, only text and colours are printed. A file or a pipe gets all bytes. What a guest prints has no "
        "times, so there is no --since; in the guest, journalctl has it.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = logs,
};

}  // namespace banger::roles::cli
