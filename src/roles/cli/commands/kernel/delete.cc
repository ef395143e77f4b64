// banger kernel delete
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {{.name = "KERNEL", .help = "a name", .names = Names::kernel}};

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto gone = TRY(daemon.call("kernel.delete", {{"kernel", context.args.positionals[0]}}));
  io.print(safe_text(text_of(gone, "name")) + ": deleted\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelDelete;
constinit const Command kKernelDelete{
    .group = "kernel",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete a kernel that nothing uses",
    .positionals = kPositionals,
    .handler = run,
};

}  // namespace banger::roles::cli
