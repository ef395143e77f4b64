// banger vm show
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {{.name = "VM", .help = "a name, id or unique id prefix", .names = Names::vm}};
constexpr Option kOptions[] = {{.name = "json", .help = "print the VM as JSON"}};

std::string labels_of(const Json& vm) {
  std::string text;
  auto it = vm.find("labels");
  if (it == vm.end() || !it->is_object()) return text;
  for (const auto& [key, value] : it->items())
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, text_of(*it, key));
  return text;
}

std::string stages_of(const Json& vm) {
  std::string text;
  for (const auto& stage : list_of(vm, "stages"))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", text_of(stage, "name"),
                        format_duration(std::chrono::milliseconds(std::max<std::int64_t>(number_of(stage, "ms"), 0))));
  return text;
}

std::string machine_of(const Json& vm) {
  auto accelerator = text_of(vm, "accelerator"), reason = text_of(vm, "machine_reason");
  auto text =
      accelerator.empty() ? text_of(vm, "machine") : fmt::format("{} ({})", text_of(vm, "machine"), accelerator);
  return reason.empty() ? text : fmt::format("{}: {}", text, reason);
}

std::string ready_of(const Json& vm) {
  if (flag_of(vm, "system_ready")) return "system";
  return flag_of(vm, "agent_ready") ? "agent" : "no";
}

Table table_of(const Json& vm) {
  Table table;
  for (auto field : {"name", "id", "state"}) table.add({field, text_of(vm, field)});
  if (!text_of(vm, "last_error").empty()) {
    table.add({"last error", text_of(vm, "last_error")});
    table.colour_last(1, Paint::red);
  }
  table.add({"ready", ready_of(vm)});
  table.add({"image", text_of(vm, "image")});
  table.add({"kernel", text_of(vm, "kernel")});
  table.add({"vcpus", text_of(vm, "vcpus")});
  table.add({"memory", size_of(vm, "memory_bytes")});
  table.add({"disk", size_of(vm, "disk_bytes")});
  table.add({"system disk", size_of(vm, "system_bytes")});
  table.add({"storage", text_of(vm, "storage")});
  table.add({"used on host", size_of(vm, "disk_used_bytes")});
  table.add({"network", text_of(vm, "network")});
  table.add({"address", text_of(vm, "address")});
  table.add({"nat", text_of(vm, "nat")});
  table.add({"machine", machine_of(vm)});
  table.add({"pid", text_of(vm, "pid")});
  table.add({"labels", labels_of(vm)});
  table.add({"created", time_of(number_of(vm, "created_at"))});
  table.add({"started", time_of(number_of(vm, "started_at"))});
  if (flag_of(vm, "ephemeral")) table.add({"goes", "when the command it was made for ends"});
  table.add({"way", text_of(vm, "way")});
  table.add({"template", text_of(vm, "template")});
  table.add({"stages", stages_of(vm)});
  table.add({"directory", text_of(vm, "directory")});
  return table;
}

Result<int> show(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto vm = TRY(daemon.call("vm.show", {{"vm", context.args.positionals[0]}}));
  io.print(context.args.flag("json") ? dump_json_pretty(vm) + "\n" : table_of(vm).text(io.colour(io.out)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmShow;
constinit const Command kVmShow{
    .group = "vm",
    .name = "show",
    .summary = "tell everything about one VM",
    .details =
        "The way is how the running machine came up: booted (cold), cloned from a template (clone, or pool when it "
        "was ready before), forked, from a snapshot or resumed. The stages are those of the last create or start, "
        "with the time each took.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = show,
};

}  // namespace banger::roles::cli
