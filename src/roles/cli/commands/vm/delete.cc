// banger vm delete
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "force", .letter = 'f', .help = "also delete running VMs, and do not ask"},
    {.name = "all", .letter = 'a', .help = "delete all VMs; asks on a terminal, and needs --force elsewhere"},
    kResultsOption,
};
constexpr Example kExamples[] = {
    {"banger vm delete web db", "two stopped VMs"},
    {"banger vm delete --all --force", "everything, without a question"},
};

std::string question(const std::vector<api::VmObject>& vms) {
  auto running = std::ranges::count(vms, vm::State::running, &api::VmObject::state);
  std::vector<std::string> names;
  for (const auto& vm : vms) names.push_back(vm.name);
  return fmt::format("delete {} VMs and their disks{}: {}?", vms.size(),
                     running ? fmt::format(", {} of them running", running) : "", safe_text(join(names, ", ")));
}

Result<int> remove_all(Context& context) {
  auto& args = context.args;
  bool force = args.flag("force");
  if (!force && !context.io.can_ask())
    return context.usage("'vm delete --all' cannot ask without a terminal", "add --force");
  auto vms = TRY(all_vms(context.io));
  if (!vms.empty() && !force && !context.io.ask(question(vms))) {
    context.io.note("nothing was deleted");
    return exit_status::kNo;
  }
  for (const auto& vm : vms) args.positionals.push_back(vm.id);
  // The answer was about running VMs too.
  return delete_each<api::Named>(context, {.method = "vm.delete"}, {{"force", true}});
}

Result<int> remove(Context& context) {
  const auto& args = context.args;
  if (auto mistake = check_vms_or_all(context)) return *mistake;
  if (args.flag("all")) return remove_all(context);
  return delete_each<api::Named>(context, {.method = "vm.delete"}, {{"force", args.flag("force")}});
}

}  // namespace

extern const Command kVmDelete;
constinit const Command kVmDelete{
    .group = "vm",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete VMs and their disks",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = remove,
};

}  // namespace banger::roles::cli
