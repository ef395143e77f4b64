// banger image pull
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "NAME",
     .help = "a name from 'banger image catalog', or as for docker: python:3.12, host:5000/team/app",
     .names = Names::available}};
constexpr Option kOptions[] = {
    {.name = "force", .letter = 'f', .help = "make the image anew, even if it is here"},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger image pull debian-bookworm-dev", "from the catalog"},
    {"banger image pull python:3.12", "from the default registry"},
    {"banger image pull localhost:5000/team/app@sha256:…", "from another one, by its digest"},
};

Result<int> run(Context& context) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  Json params = {{"reference", context.args.positionals[0]}, {"force", context.args.flag("force")}};
  auto pulled = TRY(daemon.get<api::PullObject>("image.pull", params));
  const auto& image = pulled.image;
  auto already = fmt::format("{}: is here already, {}", pulled.name, format_size(image.size_bytes));
  print_new(context, image, image.id, pulled.already ? already : ready_line(pulled.name, image.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImagePull;
constinit const Command kImagePull{
    .group = "image",
    .name = "pull",
    .summary = "get an image of the catalog, or a container image from a registry",
    .details =
        "A name of the catalog comes first. Its sources are tried in their order, and each failure is printed. Another "
        "name is a reference, and the image gets the full reference as its name. 'banger vm run --image NAME' pulls a "
        "missing image by itself.\n"
        "Logins are those of 'docker login' and of containers. An interrupted pull goes on where it ended.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
