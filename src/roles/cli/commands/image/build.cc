// banger image build
#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "roles/cli/build_image.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "NAME", .help = "a recipe", .names = Names::recipe}};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};
constexpr Example kExamples[] = {{"banger image build debian-bookworm", "the default image"}};

Result<int> run(Context& context) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  const auto& name = context.args.positionals[0];
  auto built = daemon.get<api::ImageObject>("image.build", {{"name", name}});
  // A daemon that is a system service cannot gain the privileges that a build requires. A program of a terminal can.
  if (!built && built.error().code == ErrorCode::unsupported)
    built = daemon.get<api::ImageObject>("image.show",
                                         {{"image", TRY(build_image_here(progress, name, daemon.signals().fd()))}});
  auto image = TRY(std::move(built));
  print_new(context, image, image.id, ready_line(image.name, image.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageBuild;
constinit const Command kImageBuild{
    .group = "image",
    .name = "build",
    .summary = "build an image from a recipe",
    .details = "'banger image list' lists the recipes. A build does not require root.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
