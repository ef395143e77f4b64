// banger image inspect
#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/json.h"
#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kImageArgument};

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto inspected = TRY(daemon.get<api::InspectObject>("image.inspect", {{"image", context.args.positionals[0]}}));
  print_json(context.io, TRY(parse_json(inspected.config, limits::kRpcMessageBytes)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageInspect;
constinit const Command kImageInspect{
    .group = "image",
    .name = "inspect",
    .summary = "print the OCI configuration of a pulled image as JSON",
    .positionals = kPositionals,
    .handler = run,
};

}  // namespace banger::roles::cli
