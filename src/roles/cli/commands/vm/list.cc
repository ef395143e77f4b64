// banger vm list
#include <fmt/format.h>

#include <algorithm>
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
    {.name = "label",
     .kind = Kind::text,
     .value = "KEY[=VALUE]",
     .help = "list only VMs with this label; may be repeated, and a VM needs all of them"},
    {.name = "json", .help = "print a JSON array of VMs"},
};

// What the VM does, for people. JSON has the reasons.
std::string state_of(const api::VmObject& vm) {
  if (!vm.paused.empty()) return "paused";
  return vm.silent ? "silent" : std::string(vm::to_string(vm.state));
}

// `wanted`: KEY, or KEY=VALUE.
bool has_label(const api::VmObject& vm, const std::string& wanted) {
  auto at = wanted.find('=');
  auto label = vm.labels.find(wanted.substr(0, at));
  return label != vm.labels.end() && (at == wanted.npos || label->second == wanted.substr(at + 1));
}

std::string labels_of(const api::VmObject& vm) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : vm.labels) pairs.push_back(value.empty() ? key : key + "=" + value);
  return join(pairs, ",");
}

// The column of labels is only there if a VM has labels.
Table table_of(const std::vector<api::VmObject>& vms) {
  bool labelled = std::ranges::any_of(vms, [](const auto& vm) { return !vm.labels.empty(); });
  std::vector<std::string> head{"NAME", "ID", "STATE", "IMAGE", "VCPU", "MEMORY", "DISK", "AGE"};
  if (labelled) head.emplace_back("LABELS");
  Table table(head);
  for (const auto& vm : vms) {
    std::vector<std::string> cells{vm.name,
                                   vm.id,
                                   state_of(vm),
                                   vm.image,
                                   std::to_string(vm.vcpus),
                                   format_size(vm.memory_bytes),
                                   format_size(vm.disk_bytes),
                                   age_of(vm.created_at)};
    if (labelled) cells.push_back(labels_of(vm));
    table.add(std::move(cells));
    bool stands_still = !vm.paused.empty() || vm.silent;
    if (vm.state == vm::State::running && !stands_still) table.colour_last(2, Paint::green);
    if (vm.state == vm::State::suspended || stands_still) table.colour_last(2, Paint::yellow);
  }
  return table;
}

Result<int> list(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto [vms, warnings] = TRY(daemon.get<api::VmList>("vm.list"));
  for (const auto& wanted : context.args.all("label"))
    std::erase_if(vms, [&](const auto& vm) { return !has_label(vm, wanted); });
  print_list(context, vms, &api::VmObject::id, table_of(vms).text(colours_of(context)));
  if (form_of(context.args) != Form::people) return exit_status::kOk;
  for (const auto& vm : vms)
    if (!vm.paused.empty()) context.io.note(safe_text(fmt::format("vm '{}' is paused: {}", vm.name, vm.paused)));
  for (const auto& warning : warnings.value_or(std::vector<std::string>()))
    context.io.note("warning: " + safe_text(warning));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmList;
constinit const Command kVmList{
    .group = "vm",
    .name = "list",
    .aliases = kAliases,
    .summary = "list all VMs, also stopped and suspended ones",
    .details =
        "A VM is 'paused' while its disk finds no room on the host, and goes on by itself when there is some. A "
        "VM is 'silent' when its guest has stopped answering.",
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
