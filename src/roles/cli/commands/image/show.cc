// banger image show
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/run_config.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kImageArgument};
constexpr Option kOptions[] = {kJsonOption};

Table table_of(const api::ImageObject& image) {
  Table table;
  table.add({"name", image.name});
  if (!image.other_names.empty()) table.add({"other names", join(image.other_names, ", ")});
  table.add({"id", image.id});
  table.add({"source", image.source});
  table.add({"kernel", image.kernel});
  table.add({"init", image.init});
  table.add({"size", format_size(image.size_bytes)});
  table.add({"root files", format_size(image.rootfs_bytes)});
  if (!image.sha256.empty()) table.add({"sha256", image.sha256});
  if (!image.digest.empty()) table.add({"digest", image.digest});
  for (const auto& layer : image.layers.value_or(std::vector<api::LayerObject>{}))
    table.add({"layer", fmt::format("{} {}", layer.digest, format_size(layer.size_bytes))});
  table.add({"created", time_of(image.created_at)});
  add_run_config(table, image.config);
  table.add({"used by", join(image.used_by, ", ")});
  if (!image.host_file.empty())
    table.add({"owner", image.host_file_fault.empty() ? "the host, not banger" : image.host_file_fault});
  table.add({"path", image.rootfs});
  return table;
}

Result<int> show(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto image = TRY(daemon.get<api::ImageObject>("image.show", {{"image", context.args.positionals[0]}}));
  print_object(context, image, table_of(image));
  return exit_status::kOk;
}

}  // namespace

extern const Command kImageShow;
constinit const Command kImageShow{
    .group = "image",
    .name = "show",
    .summary = "show everything about one image",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = show,
};

}  // namespace banger::roles::cli
