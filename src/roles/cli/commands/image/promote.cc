// banger image promote
#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kImageArgument};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};

Result<int> run(Context& context) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto image = TRY(daemon.get<api::ImageObject>("image.promote", {{"image", context.args.positionals[0]}}));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImagePromote;
constinit const Command kImagePromote{
    .group = "image",
    .name = "promote",
    .summary = "copy the file of a registered image into the store",
    .details =
        "The image then has a copy of its own, and the host's file is free. VMs of the image may run meanwhile. An "
        "image that owns its file stays as it is.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
