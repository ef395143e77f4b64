// banger vm set
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/arrays.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsArgument};
constexpr auto kOptions =
    concat(std::to_array<Option>(
               {{.name = "name", .kind = Kind::text, .value = "NAME", .help = "a new name, for one VM only"}}),
           vm::from_fields<&vm::Field::can_change, set_option>(),
           std::to_array<Option>({{.name = "clear-labels", .help = "remove all labels"}, kResultsOption}));

// The daemon names fields as JSON does. A person knows the options.
std::string option_of(const std::string& name) {
  if (name == "name") return "the guest's host name";
  auto field = std::ranges::find(vm::kFields, name, &vm::Field::name);
  return field == std::end(vm::kFields) || !field->has_option() ? name : fmt::format("--{}", field->option);
}

std::string described(const api::VmObject& vm) {
  std::vector<std::string> waiting;
  for (const auto& name : vm.restart_needed.value_or(std::vector<std::string>())) waiting.push_back(option_of(name));
  if (waiting.empty()) return "set";
  return fmt::format("set; {} will change at the next start ('banger vm restart {}')", join(waiting, ", "), vm.name);
}

Result<int> set(Context& context) {
  Json params = given_shape(context.args);
  if (context.args.flag("clear-labels")) {
    if (params.contains("labels")) return context.usage("--clear-labels and --label exclude each other");
    params["labels"] = Json::object();
  }
  if (params.empty()) return context.usage("'vm set' needs an option", "see 'banger vm set --help'");
  if (params.contains("name") && context.args.positionals.size() > 1)
    return context.usage("--name is for one VM", "several VMs cannot have the same name");
  return fan_out<api::VmObject>(context, {.method = "vm.set"}, params, described);
}

}  // namespace

extern const Command kVmSet;
constinit const Command kVmSet{
    .group = "vm",
    .name = "set",
    .summary = "change VMs; prints which changes need a restart",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = set,
};

}  // namespace banger::roles::cli
