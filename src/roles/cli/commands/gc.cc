// banger gc
#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "dry-run", .letter = 'n', .help = "list what would be removed, and remove nothing"},
    {.name = "json", .help = "print a JSON array of what was found"},
};

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto items = TRY(daemon.get<api::LeftoverList>("host.gc", {{"dry_run", context.args.flag("dry-run")}})).items;
  if (form_of(context.args) == Form::json) {
    print_json(io, items);
    return exit_status::kOk;
  }
  Table table({"KIND", "PATH", "REASON", "REMOVED"});
  for (const auto& item : items) table.add({item.kind, item.path, item.reason, item.removed ? "yes" : "no"});
  io.print(items.empty() ? "nothing to remove\n" : table.text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kGc;
constinit const Command kGc{
    .name = "gc",
    .summary = "remove what no VM, image or kernel owns",
    .details =
        "This removes directories, machines, network taps and a bridge that belong to no VM. It removes unfinished "
        "images "
        "and kernels, unused images that have lost their name to a newer build, and caches of deleted kernels. Layers "
        "that no image needs go too. It also "
        "removes files of interrupted image builds in /var/tmp.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
