// banger vm list
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
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
  if (context.args.flag("json")) {
    io.print(dump_json_pretty(list_of(answer, "vms")) + "\n");
    return exit_status::kOk;
  }
  Table table({"NAME", "ID", "STATE", "IMAGE", "VCPU", "MEMORY", "DISK", "AGE"});
  std::string ids;
  for (const auto& vm : TRY(api::read<api::VmList>(answer)).vms) {
    ids += safe_text(vm.id) + "\n";
    table.add({vm.name, vm.id, std::string(vm::to_string(vm.state)), vm.image, std::to_string(vm.vcpus),
               format_size(vm.memory_bytes), format_size(vm.disk_bytes), age_of(vm.created_at)});
    if (vm.state == vm::State::running) table.colour_last(2, Paint::green);
    if (vm.state == vm::State::suspended) table.colour_last(2, Paint::yellow);
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
