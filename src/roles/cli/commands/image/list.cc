// banger image list
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/template_text.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    kIdsOption,
    kFormatOption,
    {.name = "json", .help = "print a JSON array of images"},
};

std::string names_of(const api::ImageObject& image) {
  auto names = image.other_names;
  names.insert(names.begin(), image.name);
  return join(names, ", ");
}

bool has_name(const api::ImageObject& image, const std::string& name) {
  return image.name == name || std::ranges::find(image.other_names, name) != image.other_names.end();
}

std::string table_text(const api::ImageList& list, Colours colours) {
  Table table({"NAME", "ID", "SOURCE", "KERNEL", "SIZE", "INIT", "USED BY", "AGE"});
  for (const auto& image : list.images)
    table.add({names_of(image), image.id, image.source, image.kernel, format_size(image.size_bytes), image.init,
               join(image.used_by, ", "), age_of(image.created_at)});
  std::string text = table.text(colours);
  for (const auto& entry : list.available)
    if (std::ranges::none_of(list.images, [&](const auto& image) { return has_name(image, entry.name); }))
      text += fmt::format("not pulled yet: {} ({})\n", safe_text(entry.name), safe_text(entry.description));
  return text;
}

Result<int> list(Context& context) {
  const auto& args = context.args;
  auto format = args.has("format") ? template_of(args, api::ImageObject::kObject) : TemplateText();
  if (!format) return context.usage(format.error().message, format.error().hint);
  auto daemon = TRY(Daemon::connect(context.io));
  auto list = TRY(daemon.get<api::ImageList>("image.list"));
  if (args.has("format")) {
    for (const auto& image : list.images) context.io.print(format->line(api::to_json(image)));
    return exit_status::kOk;
  }
  print_list(context, list.images, &api::ImageObject::id, table_text(list, colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageList;
constinit const Command kImageList{
    .group = "image",
    .name = "list",
    .aliases = kAliases,
    .summary = "list images, and those of the catalog that are not here",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
