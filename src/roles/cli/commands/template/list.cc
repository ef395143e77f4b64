// banger template list
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/template.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/store_views.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only ids"},
    {.name = "json", .help = "print a JSON array of templates; \"pool\" has the ready VMs of a template"},
};

Paint paint_for(const std::string& state) {
  if (state == "stale") return Paint::yellow;
  return state == "ready" ? Paint::green : Paint::none;
}

std::string pool_line(const api::PoolObject& vm) {
  auto age = format_duration(std::chrono::seconds(std::max<std::int64_t>(vm.age_s, 0)));
  return safe_text(fmt::format("ready pool: {} of template {}, {}, {} old, {} of memory", vm.id, vm.template_id,
                               vm.state, age, format_size(vm.pss_bytes)));
}

std::string table_text(const api::TemplateList& list, bool colour) {
  Table table({"ID", "IMAGE", "KERNEL", "VCPU", "MEMORY", "STATE", "SIZE", "AGE", "USED BY"});
  for (const auto& each : list.templates) {
    table.add({each.id, each.image, each.kernel, std::to_string(each.vcpus), format_size(each.memory_bytes), each.state,
               format_size(each.size_bytes), age_of(each.created_at), join(each.used_by, ", ")});
    table.colour_last(5, paint_for(each.state));
  }
  auto text = table.text(colour);
  for (const auto& vm : list.pool) text += pool_line(vm) + "\n";
  return text;
}

Json with_pools(const Json& answer) {
  Json templates = list_of(answer, "templates");
  for (auto& each : templates) {
    each["pool"] = Json::array();
    for (const auto& vm : list_of(answer, "pool"))
      if (text_of(vm, "template") == text_of(each, "id")) each["pool"].push_back(vm);
  }
  return templates;
}

Result<int> list(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto answer = TRY(daemon.call("template.list", Json::object()));
  if (context.args.flag("json")) {
    io.print(dump_json_pretty(with_pools(answer)) + "\n");
  } else if (context.args.flag("quiet")) {
    for (const auto& each : list_of(answer, "templates")) io.print(safe_text(text_of(each, "id")) + "\n");
  } else {
    io.print(table_text(TRY(api::read<api::TemplateList>(answer)), io.colour(io.out)));
  }
  return exit_status::kOk;
}

}  // namespace

extern const Command kTemplateList;
constinit const Command kTemplateList{
    .group = "template",
    .name = "list",
    .aliases = kAliases,
    .summary = "list templates, and their clones in the ready pool",
    .details =
        "A stale template is not used for new VMs. Its image, kernel or QEMU has changed, or the template was deleted. "
        "A stale template is removed with the last VM that runs on it.",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
