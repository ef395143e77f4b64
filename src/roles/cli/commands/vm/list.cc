// banger vm list
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls", "ps"};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only ids"},
    {.name = "json", .help = "print a JSON array of VMs"},
};

Result<int> list(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto answer = TRY(daemon.call("vm.list", Json::object()));
  const Json& vms = list_of(answer, "vms");
  if (context.args.flag("json")) {
    io.print(dump_json_pretty(vms) + "\n");
    return exit_status::kOk;
  }
  Table table({"NAME", "ID", "STATE", "IMAGE", "VCPU", "MEMORY", "DISK", "AGE"});
  std::string ids;
  for (const auto& vm : vms) {
    ids += safe_text(text_of(vm, "id")) + "\n";
    table.add({text_of(vm, "name"), text_of(vm, "id"), text_of(vm, "state"), text_of(vm, "image"), text_of(vm, "vcpus"),
               size_of(vm, "memory_bytes"), size_of(vm, "disk_bytes"), age_of(number_of(vm, "created_at"))});
    if (text_of(vm, "state") == "running") table.colour_last(2, Paint::green);
    if (text_of(vm, "state") == "suspended") table.colour_last(2, Paint::yellow);
  }
  io.print(context.args.flag("quiet") ? ids : table.text(io.colour(io.out)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmList;
constinit const Command kVmList{
    .group = "vm",
    .name = "list",
    .aliases = kAliases,
    .summary = "list VMs, stopped and suspended ones too",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
