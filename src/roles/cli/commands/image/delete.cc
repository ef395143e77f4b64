// banger image delete
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {
    {.name = "IMAGE", .help = "a name, id or unique id prefix", .names = Names::image}};

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto gone = TRY(daemon.call("image.delete", {{"image", context.args.positionals[0]}}));
  io.print(safe_text(text_of(gone, "name")) + ": deleted\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageDelete;
constinit const Command kImageDelete{
    .group = "image",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete an image that no VM uses",
    .positionals = kPositionals,
    .handler = run,
};

}  // namespace banger::roles::cli
