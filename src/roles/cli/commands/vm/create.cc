// banger vm create: makes a VM for use by other commands.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/arrays.h"
#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"
#include "roles/cli/open_network.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"
#include "roles/cli/secret_values.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr auto kOptions =
    concat(std::to_array({kNameOption}), vm::from_fields<&vm::Field::has_option, create_option>(),
           std::to_array<Option>({
               kEnvOption,
               kEnvFileOption,
               kColdOption,
               {.name = "from",
                .kind = Kind::text,
                .value = "SNAPSHOT",
                .help = "start from a snapshot: with its disks, and with its live processes if it has memory",
                .names = Names::snapshot},
               {.name = "no-start", .help = "only create the VM"},
               kWaitOption,
               kQuietOption,
               kJsonOption,
           }));

constexpr Example kExamples[] = {
    {"banger vm create --name web --vcpu 2 --memory 1G", "a VM called web"},
    {"banger vm create --from before-upgrade", "another VM that continues from that snapshot"},
};

// The options that every snapshot decides. A snapshot with memory decides more, and the daemon refuses those
// parameters.
constexpr auto kOfSnapshot =
    concat(vm::from_fields<[](const vm::Field& field) { return field.from_snapshot == vm::FromSnapshot::always; },
                           [](const vm::Field& field) { return field.option; }>(),
           std::to_array<std::string_view>({kColdOption.name}));

// With --from, the sizes come from the snapshot. Only the daemon knows them, so they are printed after vm.create.
Result<api::VmObject> create_vm(Context& context, Daemon& daemon, const Json& more) {
  auto snapshot = context.args.text("from");
  Json params = snapshot ? given_shape(context.args) : TRY(resolved_shape(context, daemon));
  if (snapshot) params["from"] = *snapshot;
  params.update(more);
  auto vm = TRY(daemon.get<api::VmObject>("vm.create", params));
  if (snapshot) print_spec(io_for_progress(context), api::to_json(vm));
  return vm;
}

Result<int> create(Context& context) {
  const auto& args = context.args;
  for (auto option : kOfSnapshot)
    if (args.has("from") && args.has(option))
      return context.usage(fmt::format("--from and --{} exclude each other", option),
                           "the snapshot decides how its VMs are made");
  Json params = Json::object();
  params["start"] = !args.flag("no-start");
  if (auto wait = args.text("wait")) params["wait"] = *wait;
  if (auto environment = TRY(vm_environment(context)); !environment.empty()) params["environment"] = environment;
  TRY(add_secret_values(context, params));
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto vm = TRY(create_vm(context, daemon, params));
  note_open_network(context, progress, vm);
  print_new(context, vm, vm.id, fmt::format("{}: {} ({})", vm.name, vm::to_string(vm.state), vm.id));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmCreate;
constinit const Command kVmCreate{
    .group = "vm",
    .name = "create",
    .summary = "create a VM and start it",
    .details =
        "With --from, the memory of the snapshot's processes comes along: seeded random generators, session keys and "
        "the "
        "kernel's boot_id are equal in all VMs from that snapshot. Names, addresses, machine-id and the kernel's "
        "random "
        "numbers are the VM's own.",
    .options = kOptions,
    .examples = kExamples,
    .handler = create,
};

}  // namespace banger::roles::cli
