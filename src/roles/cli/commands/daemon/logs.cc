// banger daemon logs
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/log_stream.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "follow", .letter = 'f', .help = "also print new lines, until interrupted"},
    tail_option("only the last lines, like 20; or all (the default)"),
};

Result<int> run(Context& context) {
  auto paths = TRY(host::find_paths(context.io.env));
  auto lines = static_cast<std::uint64_t>(context.args.number("tail").value_or(-1));
  return copy_log_file(context.io, paths.daemon_log(), lines, context.args.flag("follow") ? Follow::yes : Follow::no);
}

}  // namespace

extern const Command kDaemonLogs;
constinit const Command kDaemonLogs{
    .group = "daemon",
    .name = "logs",
    .summary = "print the daemon's log",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
