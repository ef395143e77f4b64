// banger image prune
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "roles/cli/builder/builder_vm.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "builder", .help = "also delete the VM that builds images, with its cache"},
    kJsonOption,
};

/// A VM in which a build runs is refused.
Result<> delete_builder(Daemon& daemon) {
  auto gone = daemon.call("vm.delete", {{"vm", kBuilderVm}});
  if (gone || gone.error().code == ErrorCode::not_found) return {};
  return std::unexpected(std::move(gone.error()));
}

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  if (context.args.flag("builder")) TRY(delete_builder(daemon));
  auto pruned = TRY(daemon.get<api::PruneObject>("image.prune"));
  if (form_of(context.args) == Form::json)
    print_json(context.io, pruned);
  else if (pruned.removed == 0)
    context.io.print("nothing to remove\n");
  else
    context.io.print(fmt::format("{} removed, {}\n", pruned.removed, format_size(pruned.size_bytes)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImagePrune;
constinit const Command kImagePrune{
    .group = "image",
    .name = "prune",
    .summary = "remove downloaded layers that no image needs",
    .details =
        "Unfinished downloads are removed too. Images and their layers stay. With --builder, the cache of image builds "
        "goes "
        "too.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
