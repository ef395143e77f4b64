// banger image prune
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {kJsonOption};

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
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
    .details = "Unfinished downloads are removed too. Images and their layers stay.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
