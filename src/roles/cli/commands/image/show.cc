// banger image show
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/store_views.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "IMAGE", .help = "a name, id or unique id prefix", .names = Names::image}};
constexpr Option kOptions[] = {kJsonOption};

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  show_image(context, TRY(daemon.call("image.show", {{"image", context.args.positionals[0]}})));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageShow;
constinit const Command kImageShow{
    .group = "image",
    .name = "show",
    .summary = "show everything about one image",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
