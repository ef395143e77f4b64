// banger template list
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/template.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    kIdsOption,
    {.name = "json", .help = "print a JSON array of templates; \"pool\" has the ready VMs of a template"},
};

Paint paint_for(const std::string& state) {
  if (state == "stale") return Paint::yellow;
  return state == "ready" ? Paint::green : Paint::none;
}

std::string network_of(const api::TemplateObject& each) { return each.nat ? each.network : each.network + ", no nat"; }

std::string pool_line(const api::PoolObject& vm) {
  auto age = format_duration(std::chrono::seconds(std::max<std::int64_t>(vm.age_s, 0)));
  return safe_text(fmt::format("ready pool: {} of template {}, {}, {} old, {} of memory", vm.id, vm.template_id,
                               vm.state, age, format_size(vm.pss_bytes)));
}

std::string table_text(const api::TemplateList& list, Colours colours) {
  Table table({"ID", "STATE", "IMAGE", "KERNEL", "VCPU", "MEMORY", "DISK", "SYSTEM", "STORAGE", "NETWORK", "SIZE",
               "AGE", "USED BY"});
  for (const auto& each : list.templates) {
    table.add({each.id, each.state, each.image, each.kernel, std::to_string(each.vcpus), format_size(each.memory_bytes),
               format_size(each.disk_bytes), format_size(each.system_bytes), each.storage, network_of(each),
               format_size(each.size_bytes), age_of(each.created_at), join(each.used_by, ", ")});
    table.colour_last(1, paint_for(each.state));
  }
  auto text = table.text(colours);
  for (const auto& vm : list.pool) text += pool_line(vm) + "\n";
  return text;
}

Json with_pools(const api::TemplateList& list) {
  Json templates = Json::array();
  for (const auto& each : list.templates) {
    auto& json = templates.emplace_back(api::to_json(each));
    json["pool"] = Json::array();
    for (const auto& vm : list.pool)
      if (vm.template_id == each.id) json["pool"].push_back(api::to_json(vm));
  }
  return templates;
}

Result<int> list(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto list = TRY(daemon.get<api::TemplateList>("template.list"));
  if (form_of(context.args) == Form::json)
    print_json(context.io, with_pools(list));
  else
    print_list(context, list.templates, &api::TemplateObject::id, table_text(list, colours_of(context)));
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
        "Every property that tells templates apart has a column. VMs that differ in one of them need templates of "
        "their own.\n"
        "A stale template is not used for new VMs. Its image, kernel or QEMU has changed, or the template was deleted. "
        "A stale template is removed with the last VM that runs on it.",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
