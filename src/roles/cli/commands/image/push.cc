// banger image push
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
    {.name = "IMAGE", .help = "an image's name or id", .names = Names::image},
    {.name = "REFERENCE", .help = "where to, as for docker: host:5000/team/app:tag"},
};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};
constexpr Example kExamples[] = {
    {"banger image push devbox localhost:5000/team/devbox:latest", "then: docker run localhost:5000/team/devbox"},
};

Result<int> run(Context& context) {
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  const auto& words = context.args.positionals;
  auto pushed = TRY(daemon.get<api::PushObject>("image.push", {{"image", words[0]}, {"reference", words[1]}}));
  if (!pushed.note.empty()) context.io.note("warning: " + safe_text(pushed.note));
  auto sent = pushed.sent_bytes ? format_size(pushed.sent_bytes) + " sent" : std::string("nothing new to send");
  print_new(context, pushed, pushed.digest, fmt::format("{}: {}, {}", pushed.name, pushed.digest, sent));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImagePush;
constinit const Command kImagePush{
    .group = "image",
    .name = "push",
    .summary = "put an image into a registry as a container image",
    .details =
        "Every image can be pushed. A pulled image keeps its digest and layers. An image from one of its VMs has "
        "these layers, and one with what has changed. Another image becomes one layer.\n"
        "Logins are those of 'docker login' and of containers. What the registry has already is not sent again.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
