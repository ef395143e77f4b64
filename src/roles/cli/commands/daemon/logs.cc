// banger daemon logs
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/log_stream.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "follow", .letter = 'f', .help = "also print new lines, until interrupted"},
    {.name = "tail", .kind = Kind::size, .value = "SIZE", .help = "only the last part, like 64K"},
};

Result<int> run(Context& context) {
  auto paths = TRY(host::find_paths(context.io.env));
  auto tail = context.args.number("tail");
  return copy_log_file(context.io, paths.daemon_log(), tail ? static_cast<std::uint64_t>(*tail) : UINT64_MAX,
                       context.args.flag("follow") ? Follow::yes : Follow::no);
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
