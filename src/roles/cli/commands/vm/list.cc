// banger vm list
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls", "ps"};
constexpr Option kOptions[] = {
    kIdsOption,
    {.name = "json", .help = "print a JSON array of VMs"},
};

Table table_of(const std::vector<api::VmObject>& vms) {
  Table table({"NAME", "ID", "STATE", "IMAGE", "VCPU", "MEMORY", "DISK", "AGE"});
  for (const auto& vm : vms) {
    table.add({vm.name, vm.id, std::string(vm::to_string(vm.state)), vm.image, std::to_string(vm.vcpus),
               format_size(vm.memory_bytes), format_size(vm.disk_bytes), age_of(vm.created_at)});
    if (vm.state == vm::State::running) table.colour_last(2, Paint::green);
    if (vm.state == vm::State::suspended) table.colour_last(2, Paint::yellow);
  }
  return table;
}

Result<int> list(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto vms = TRY(daemon.get<api::VmList>("vm.list")).vms;
  print_list(context, vms, &api::VmObject::id, table_of(vms).text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmList;
constinit const Command kVmList{
    .group = "vm",
    .name = "list",
    .aliases = kAliases,
    .summary = "list all VMs, also stopped and suspended ones",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
