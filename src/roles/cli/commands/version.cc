// banger version
#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {{.name = "json", .help = "print a JSON object"}};

// Empty when no daemon runs. Never starts a daemon.
std::string daemon_version(Io& io) {
  auto daemon = Daemon::find(io);
  if (!daemon || !*daemon) return "";
  auto status = (*daemon)->get<api::DaemonStatus>("daemon.status");
  return status ? status->version : "";
}

Result<int> run(Context& context) {
  auto& io = context.io;
  auto theirs = daemon_version(io);
  if (context.args.flag("json")) {
    Json answer = {{"version", BANGER_VERSION}, {"daemon", nullptr}};
    if (!theirs.empty()) answer["daemon"] = theirs;
    print_json(io, answer);
    return exit_status::kOk;
  }
  io.print("banger " BANGER_VERSION "\n");
  if (!theirs.empty()) io.print("bangerd " + safe_text(theirs) + "\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kVersion;
constinit const Command kVersion{
    .name = "version",
    .summary = "print the version of banger and of the running daemon",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
