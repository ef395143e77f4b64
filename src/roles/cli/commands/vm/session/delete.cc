// banger vm session delete
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {kVmArgument, kSessionArgument};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};

Result<int> remove(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto session = TRY(daemon.get<api::SessionObject>("vm.session.delete", session_params(context)));
  print_new(context, session, session.id, session.name + ": deleted");
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionDelete;
constinit const Command kSessionDelete{
    .group = "vm session",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete an ended session and its log",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = remove,
};

}  // namespace banger::roles::cli
