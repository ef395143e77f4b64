// banger vm fork
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/bounds.h"
#include "api/objects/vm.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "SRC",
     .help = "a name, id or unique id prefix; a copy of a stopped VM has only its disks",
     .names = Names::vm}};
constexpr Option kOptions[] = {
    {.name = "count", .letter = 'n', .kind = Kind::count, .value = "N", .help = "how many copies (default: 1)"},
    {.name = "name",
     .kind = Kind::text,
     .value = "NAME",
     .help = "the new VM's name; with --count NAME-1, NAME-2, … (default: banger makes names up)"},
    {.name = "quiet", .letter = 'q', .help = "print only the ids"},
    {.name = "json", .help = "print the new VMs and the source's pause as JSON"},
};
constexpr Example kExamples[] = {
    {"banger vm fork web", "a second VM that continues from the state of web"},
    {"banger vm fork web --count 3 --name try", "three copies: try-1, try-2 and try-3"},
};

Json names_of(const std::string& name, std::int64_t count) {
  if (count == 1) return Json::array({name});
  Json names = Json::array();
  for (std::int64_t i = 1; i <= count; ++i) names.push_back(fmt::format("{}-{}", name, i));
  return names;
}

Result<int> fork(Context& context) {
  auto& io = context.io;
  const auto& args = context.args;
  auto count = args.number("count").value_or(1);
  if (count < 1 || count > limits::kForkCount)
    return context.usage(fmt::format("--count: {} is not within 1 and {}", count, limits::kForkCount));
  Json params = {{"vm", args.positionals[0]}, {"count", count}};
  if (auto name = args.text("name")) params["names"] = names_of(*name, count);
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto result = TRY(daemon.get<api::ForkResult>("vm.fork", params));
  if (args.flag("json")) {
    print_json(io, result);
    return exit_status::kOk;
  }
  for (const auto& vm : result.vms) io.print(safe_text(args.flag("quiet") ? vm.id : vm.name) + "\n");
  // A VM without a machine did not stand still.
  if (result.pause_ms > 0)
    io.note(fmt::format("vm '{}' stood still for {:.0f} ms", safe_text(args.positionals[0]), result.pause_ms));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmFork;
constinit const Command kVmFork{
    .group = "vm",
    .name = "fork",
    .summary = "make copies of a running VM, with its live processes",
    .details =
        "The copies are separate from the source. They have names, addresses and keys of their own. The kernel's "
        "random "
        "numbers differ too. What processes have in memory stays equal: seeded random generators, session keys, and "
        "the "
        "kernel's boot_id.\n"
        "The source stands still while its disks and its changed memory are copied, and the command prints for how "
        "long "
        "on standard error. That is a moment if the host's file system has reflinks, like XFS and btrfs, or if little "
        "was written. With --storage copy on another file system it is seconds. The copies of a suspended VM go on "
        "where it stands, and the VM stays suspended.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = fork,
};

}  // namespace banger::roles::cli
