// banger vm list
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/objects/port.h"
#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/output.h"
#include "roles/cli/template_text.h"
#include "roles/cli/times.h"
#include "roles/cli/vm_query.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls", "ps"};
constexpr Option kOptions[] = {
    kIdsOption,
    {.name = "names", .help = "print only names"},
    {.name = "filter",
     .letter = 'f',
     .kind = Kind::text,
     .value = "KEY=VALUE",
     .help =
         "list only VMs with this name (a pattern like web-*), state, image, network or label; may be repeated, and "
         "a VM needs all of them",
     .names = Names::vm_filter},
    {.name = "label", .kind = Kind::text, .value = "KEY[=VALUE]", .help = "the same as --filter label=KEY[=VALUE]"},
    {.name = "sort",
     .kind = Kind::text,
     .value = "COLUMN",
     .help = "sort by this column (default: the oldest VM first)",
     .names = Names::choice,
     .choices = kSortColumns},
    {.name = "wide", .letter = 'w', .help = "also show the network, and the address and ports that this host reaches"},
    {.name = "all", .letter = 'a', .help = "for the habits of other tools: all VMs are listed anyway"},
    kFormatOption,
    {.name = "json", .help = "print a JSON array of VMs; with --wide, \"ports\" has what 'vm ports' prints"},
};

using PortsByVm = std::map<std::string, std::vector<api::PortObject>>;  // by the VM's id

std::string labels_of(const api::VmObject& vm) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : vm.labels) pairs.push_back(value.empty() ? key : key + "=" + value);
  return join(pairs, ",");
}

bool answers(const api::VmObject& vm) { return vm.agent_ready && !vm.silent && vm.paused.empty(); }

// All guests are asked at the same time, and a guest that does not answer soon has no ports in the list.
Result<PortsByVm> ports_of(Daemon& daemon, const std::vector<api::VmObject>& vms, std::vector<std::string>& problems) {
  PortsByVm ports;
  Json params{{"probe", false}, {"timeout_ms", std::chrono::milliseconds(limits::kListPatience).count()}};
  std::vector<std::string> ids;
  for (const auto& vm : vms)
    if (answers(vm)) ids.push_back(vm.id);
  TRY(call_all(daemon, {.method = "vm.ports"}, ids, params, [&](const std::string& id, Result<Json> result) {
    auto list = result ? api::read<api::PortList>(*result) : std::unexpected(std::move(result).error());
    if (list)
      ports[id] = std::move(list->ports);
    else
      problems.push_back("ports are missing: " + list.error().sentence());
    return Result<>();
  }));
  return ports;
}

// The address at which this host reaches the VM: its own on a bridge, otherwise that of its forwards.
std::string address_of(const api::VmObject& vm, const std::vector<api::PortObject>& ports) {
  if (vm.network == "bridge") return vm.address;
  for (const auto& port : ports)
    if (!port.forward.empty()) return port.forward.substr(0, port.forward.rfind(':'));
  return "";
}

std::string ports_text(const api::VmObject& vm, const std::vector<api::PortObject>& ports) {
  std::vector<std::string> texts;
  for (const auto& port : ports) {
    bool reached = vm.network == "bridge" ? !port.address.starts_with("127.") : !port.forward.empty();
    auto text = std::to_string(port.port);
    if (reached && port.protocol.starts_with("tcp") && std::ranges::find(texts, text) == texts.end())
      texts.push_back(std::move(text));
  }
  return join(texts, ",");
}

struct Columns {
  bool labels, wide;
};

std::vector<std::string> head_of(const Columns& columns) {
  std::vector<std::string> head{"NAME", "ID", "STATE", "IMAGE", "VCPU", "MEMORY", "DISK", "AGE"};
  if (columns.wide) head.insert(head.end(), {"NETWORK", "ADDRESS", "PORTS"});
  if (columns.labels) head.emplace_back("LABELS");
  return head;
}

std::vector<std::string> cells_of(const Columns& columns, const api::VmObject& vm,
                                  const std::vector<api::PortObject>& ports) {
  std::vector<std::string> cells{vm.name,
                                 vm.id,
                                 shown_state(vm),
                                 vm.image,
                                 std::to_string(vm.vcpus),
                                 format_size(vm.memory_bytes),
                                 format_size(vm.disk_bytes),
                                 age_of(vm.created_at)};
  if (columns.wide)
    cells.insert(cells.end(),
                 {vm.nat ? vm.network : vm.network + ", no nat", address_of(vm, ports), ports_text(vm, ports)});
  if (columns.labels) cells.push_back(labels_of(vm));
  return cells;
}

std::vector<api::PortObject> own_ports(const PortsByVm* ports, const std::string& id) {
  if (!ports || !ports->contains(id)) return {};
  return ports->at(id);
}

// The column of labels is only there if a VM has labels.
Table table_of(const std::vector<api::VmObject>& vms, const PortsByVm* ports) {
  Columns columns{.labels = std::ranges::any_of(vms, [](const auto& vm) { return !vm.labels.empty(); }),
                  .wide = ports != nullptr};
  Table table(head_of(columns));
  for (const auto& vm : vms) {
    table.add(cells_of(columns, vm, own_ports(ports, vm.id)));
    bool stands_still = !vm.paused.empty() || vm.silent;
    if (vm.state == vm::State::running && !stands_still) table.colour_last(2, Paint::green);
    if (vm.state == vm::State::suspended || stands_still) table.colour_last(2, Paint::yellow);
  }
  return table;
}

Json json_of(const std::vector<api::VmObject>& vms, const PortsByVm& ports) {
  Json list = Json::array();
  for (const auto& vm : vms) {
    auto& json = list.emplace_back(api::to_json(vm));
    json["ports"] = Json::array();
    for (const auto& port : own_ports(&ports, vm.id)) json["ports"].push_back(api::to_json(port));
  }
  return list;
}

void print_vms(Context& context, const std::vector<api::VmObject>& vms, const PortsByVm* ports) {
  if (context.args.flag("names")) {
    for (const auto& vm : vms) context.io.print(safe_text(vm.name) + "\n");
  } else if (form_of(context.args) == Form::json && ports) {
    print_json(context.io, json_of(vms, *ports));
  } else {
    print_list(context, vms, &api::VmObject::id, table_of(vms, ports).text(colours_of(context)));
  }
}

std::vector<std::string> filters_of(const Args& args) {
  auto filters = args.all("filter");
  for (const auto& label : args.all("label")) filters.push_back("label=" + label);
  return filters;
}

Result<int> list(Context& context) {
  const auto& args = context.args;
  auto filters = filters_of(args);
  std::vector<api::VmObject> none;
  if (auto good = keep_matching(none, filters); !good) return context.usage(good.error().message, good.error().hint);
  if (args.flag("names") && form_of(args) != Form::people)
    return context.usage("--names does not go together with --json or --quiet", "leave one of them out");
  auto format = args.has("format") ? template_of(args, api::VmObject::kObject) : TemplateText();
  if (!format) return context.usage(format.error().message, format.error().hint);
  auto daemon = TRY(Daemon::connect(context.io));
  auto [vms, warnings] = TRY(daemon.get<api::VmList>("vm.list"));
  TRY(keep_matching(vms, filters));
  sort_by(vms, args.text("sort").value_or(""));
  if (args.has("format")) {
    for (const auto& vm : vms) context.io.print(format->line(api::to_json(vm)));
    return exit_status::kOk;
  }
  bool wide = args.flag("wide") && !args.flag("names") && form_of(args) != Form::ids;
  std::vector<std::string> problems;
  PortsByVm ports;
  if (wide) ports = TRY(ports_of(daemon, vms, problems));
  print_vms(context, vms, wide ? &ports : nullptr);
  for (const auto& problem : problems) context.io.note(safe_text(problem));
  if (form_of(args) != Form::people || args.flag("names")) return exit_status::kOk;
  for (const auto& vm : vms)
    if (!vm.paused.empty()) context.io.note(safe_text(fmt::format("vm '{}' is paused: {}", vm.name, vm.paused)));
  for (const auto& warning : warnings.value_or(std::vector<std::string>()))
    context.io.note("warning: " + safe_text(warning));
  return exit_status::kOk;
}

constexpr Example kExamples[] = {
    {"banger vm list --format '{name} {address}'", "two fields of each VM"},
    {"banger vm list --filter state=running --sort memory", "the largest running VM first"},
    {"banger vm delete --force $(banger vm list -q --label ci)", "all VMs with a label"},
};

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
    .examples = kExamples,
    .handler = list,
};

}  // namespace banger::roles::cli
