// banger vm start
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "roles/cli/fan_out.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kWaits[] = {"agent", "system"};
constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true}};
constexpr Option kOptions[] = {
    {.name = "wait",
     .kind = Kind::text,
     .value = "WHAT",
     .help = "what to wait for: the agent answers, or the guest has booted",
     .names = Names::choice,
     .choices = kWaits},
    {.name = "cold", .help = "boot a suspended VM from its disks; its saved memory is lost"},
};

Result<int> start(Context& context) {
  Json params = Json::object();
  if (auto wait = context.args.text("wait")) params["wait"] = *wait;
  if (context.args.flag("cold")) params["cold"] = true;
  return fan_out(context, "vm.start", params, [](const Json& vm) { return text_of(vm, "state"); });
}

}  // namespace

extern const Command kVmStart;
constinit const Command kVmStart{
    .group = "vm",
    .name = "start",
    .summary = "start stopped VMs, or continue suspended ones, and wait until they are ready",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = start,
};

}  // namespace banger::roles::cli
