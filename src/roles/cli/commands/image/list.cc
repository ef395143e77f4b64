// banger image list
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only ids"},
    {.name = "json", .help = "print a JSON array of images"},
};

std::string table_text(const api::ImageList& list, bool colour) {
  Table table({"NAME", "ID", "SOURCE", "KERNEL", "SIZE", "INIT", "USED BY", "AGE"});
  for (const auto& image : list.images)
    table.add({image.name, image.id, image.source, image.kernel, format_size(image.size_bytes), image.init,
               join(image.used_by, ", "), age_of(image.created_at)});
  std::string text = table.text(colour);
  for (const auto& recipe : list.recipes)
    if (std::ranges::find(list.images, recipe.name, &api::ImageObject::name) == list.images.end())
      text += fmt::format("not built yet: {} ({})\n", safe_text(recipe.name), safe_text(recipe.description));
  return text;
}

Result<int> list(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto answer = TRY(daemon.call("image.list", Json::object()));
  if (context.args.flag("json")) {
    io.print(dump_json_pretty(list_of(answer, "images")) + "\n");
  } else if (context.args.flag("quiet")) {
    for (const auto& image : list_of(answer, "images")) io.print(safe_text(text_of(image, "id")) + "\n");
  } else {
    io.print(table_text(TRY(api::read<api::ImageList>(answer)), io.colour(io.out)));
  }
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageList;
constinit const Command kImageList{
    .group = "image",
    .name = "list",
    .aliases = kAliases,
    .summary = "list images, and the recipes of images that are not built",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
