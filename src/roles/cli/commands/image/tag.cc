// banger image tag
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    kImageArgument,
    {.name = "NAME", .help = "the new name: a plain one, or a reference"},
};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};
constexpr Example kExamples[] = {{"banger image tag python:3.12 mine", "'banger vm run --image mine' uses it"}};

Result<int> run(Context& context) {
  const auto& words = context.args.positionals;
  auto daemon = TRY(Daemon::connect(context.io));
  auto image = TRY(daemon.get<api::ImageObject>("image.tag", {{"image", words[0]}, {"name", words[1]}}));
  print_new(context, image, image.id, fmt::format("{}: is also {}", words[0], words[1]));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageTag;
constinit const Command kImageTag{
    .group = "image",
    .name = "tag",
    .summary = "give an image one more name",
    .details =
        "If another image has the name and others, that image loses it. 'banger image delete NAME' takes a name away.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
