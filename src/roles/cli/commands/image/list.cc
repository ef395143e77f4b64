// banger image list
#include <fmt/format.h>

#include <nlohmann/json.hpp>

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

bool has_image(const Json& images, const std::string& name) {
  for (const auto& image : images)
    if (text_of(image, "name") == name) return true;
  return false;
}

std::string people_text(const Json& answer, bool colour) {
  const Json& images = list_of(answer, "images");
  Table table({"NAME", "ID", "SOURCE", "KERNEL", "SIZE", "INIT", "USED BY", "AGE"});
  for (const auto& image : images)
    table.add({text_of(image, "name"), text_of(image, "id"), text_of(image, "source"), text_of(image, "kernel"),
               size_of(image, "size_bytes"), text_of(image, "init"), joined(list_of(image, "used_by")),
               age_of(number_of(image, "created_at"))});
  std::string text = table.text(colour);
  for (const auto& recipe : list_of(answer, "recipes"))
    if (auto name = text_of(recipe, "name"); !has_image(images, name))
      text += fmt::format("not built yet: {} ({})\n", safe_text(name), safe_text(text_of(recipe, "description")));
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
    io.print(people_text(answer, io.colour(io.out)));
  }
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageList;
constinit const Command kImageList{
    .group = "image",
    .name = "list",
    .aliases = kAliases,
    .summary = "list images, and those that can be built",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
