// banger vm session logs
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/session.h"
#include "roles/cli/session_log.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kStreams[] = {"stdout", "stderr"};
constexpr Positional kPositionals[] = {kVmArgument, kSessionArgument};
constexpr Option kOptions[] = {
    {.name = "follow", .letter = 'f', .help = "also print what is new, until the session ends"},
    {.name = "stream",
     .kind = Kind::text,
     .value = "STREAM",
     .help = "only what the command has written to this stream",
     .names = Names::choice,
     .choices = kStreams},
    {.name = "since",
     .kind = Kind::text,
     .value = "TIME",
     .help = "only what is newer: a duration like 10m, or unix seconds as in @1700000000"},
};

Result<int> logs(Context& context) {
  const auto& args = context.args;
  Json params = session_params(context);
  params["follow"] = args.flag("follow");
  if (auto only = args.text("stream")) params["stream"] = *only;
  if (auto since = args.text("since")) params["since_ms"] = TRY(in("--since", parse_since(*since)));
  auto daemon = TRY(Daemon::connect(context.io));
  auto stream = TRY(daemon.open_stream("vm.session.logs", params));
  auto only = args.text("stream").value_or("");
  LogPlace place{.wants_out = only != "stderr", .wants_err = only != "stdout", .known = !args.has("since")};
  return copy_session_log(context.io, std::move(stream), daemon.signals(), place);
}

}  // namespace

extern const Command kSessionLogs;
constinit const Command kSessionLogs{
    .group = "vm session",
    .name = "logs",
    .summary = "print what a session has printed",
    .details =
        "Standard output and standard error of the command go to those of banger; a session with a terminal has only "
        "the first. On a terminal, only text and colours are printed, and a file or a pipe gets all bytes. The log "
        "stays when the VM is stopped, and can be read when the VM runs again. Times of --since are those of the "
        "guest's clock, to a tenth of a second.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = logs,
};

}  // namespace banger::roles::cli
