// banger kernel show
#include <nlohmann/json.hpp>

#include "api/objects/kernel.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kKernelArgument};
constexpr Option kOptions[] = {kJsonOption};

Table table_of(const api::KernelObject& kernel) {
  Table table;
  table.add({"name", kernel.name});
  table.add({"release", kernel.release});
  table.add({"source", kernel.source});
  table.add({"size", format_size(kernel.size_bytes)});
  table.add({"sha256", kernel.sha256});
  table.add({"created", time_of(kernel.created_at)});
  table.add({"used by", join(kernel.used_by, ", ")});
  table.add({"path", kernel.vmlinux});
  return table;
}

Result<int> show(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto kernel = TRY(daemon.get<api::KernelObject>("kernel.show", {{"kernel", context.args.positionals[0]}}));
  print_object(context, kernel, table_of(kernel));
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelShow;
constinit const Command kKernelShow{
    .group = "kernel",
    .name = "show",
    .summary = "show everything about one kernel",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = show,
};

}  // namespace banger::roles::cli
