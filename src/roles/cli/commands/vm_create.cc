// banger vm create: make a VM and leave it to other commands.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "roles/cli/fields.h"
#include "roles/cli/guest_command.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kWaits[] = {"agent", "system"};

constexpr Option kOptions[] = {
    kNameOption,
    kImageOption,
    kKernelOption,
    kVcpuOption,
    kMemoryOption,
    kDiskOption,
    kSystemOption,
    kNatOption,
    kLabelOption,
    kEnvOption,
    {.name = "no-start", .help = "only make it"},
    {.name = "wait",
     .kind = Kind::text,
     .value = "WHAT",
     .help = "ready means that its agent answers, or that its system is up",
     .names = Names::choice,
     .choices = kWaits},
    {.name = "quiet", .letter = 'q', .help = "print only the id"},
    {.name = "json", .help = "print the VM as JSON"},
};

constexpr Example kExamples[] = {{"banger vm create --name web --vcpu 2 --memory 1G", "a VM called web"}};

Result<int> create(Context& context) {
  const auto& args = context.args;
  auto daemon = TRY(Daemon::connect(context.io));
  Json params = TRY(resolved_shape(context, daemon));
  params["start"] = !args.flag("no-start");
  if (auto wait = args.text("wait")) params["wait"] = *wait;
  if (args.has("env")) params["environment"] = guest_environment(context);
  auto vm = TRY(daemon.call("vm.create", params));
  if (args.flag("json")) context.io.print(dump_json_pretty(vm) + "\n");
  else if (args.flag("quiet")) context.io.print(text_of(vm, "id") + "\n");
  else
    context.io.print(fmt::format("{}: {} ({})\n", safe_text(text_of(vm, "name")), safe_text(text_of(vm, "state")),
                                 safe_text(text_of(vm, "id"))));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmCreate;
constinit const Command kVmCreate{
    .group = "vm",
    .name = "create",
    .summary = "make a VM and start it",
    .options = kOptions,
    .examples = kExamples,
    .handler = create,
};

}  // namespace banger::roles::cli
