// banger vm sync
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/file_sync.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmsOrAllArgument};
constexpr Option kOptions[] = {
    {.name = "all", .letter = 'a', .help = "all VMs that are running"},
    {.name = "dry-run", .help = "print the files that would travel, and send nothing"},
    kResultsOption,
};
constexpr Example kExamples[] = {
    {"banger vm sync web", "after a change of ~/.gitconfig"},
    {"banger vm sync web --dry-run", "what new VMs get"},
};

std::string size_of(const api::SyncResult& result) {
  return fmt::format("{} {}, {}", result.files, result.files == 1 ? "file" : "files", format_size(result.bytes));
}

void warn(const Io& io, const api::SyncResult& result) {
  for (const auto& warning : result.warnings) io.note(safe_text(fmt::format("{}: warning: {}", result.name, warning)));
}

void print_plan(Io& io, const api::SyncResult& result) {
  auto text = fmt::format("{}: {}\n", safe_text(result.name), size_of(result));
  for (const auto& file : result.plan.value_or(std::vector<api::SyncedFileObject>()))
    text += fmt::format("  {:04o}  ~/{}{}\n", file.mode, safe_text(file.path), file.directory ? "/" : "");
  if (result.plan_more) text += fmt::format("  and {} more\n", *result.plan_more);
  io.print(text);
}

Result<int> show_plans(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  Json results = Json::array();
  for (const auto& vm : each_once(context.args.positionals)) {
    auto json = TRY(daemon.call("vm.sync", {{"vm", vm}, {"dry_run", true}}));
    auto result = TRY(api::read<api::SyncResult>(json));
    warn(context.io, result);
    if (form_of(context.args) != Form::json) print_plan(context.io, result);
    results.push_back(std::move(json));
  }
  if (form_of(context.args) == Form::json) print_json(context.io, results);
  return exit_status::kOk;
}

Result<int> sync(Context& context) {
  auto& args = context.args;
  if (auto mistake = check_vms_or_all(context)) return *mistake;
  if (args.flag("all"))
    for (const auto& vm : TRY(all_vms(context.io)))
      if (vm.state == vm::State::running) args.positionals.push_back(vm.id);
  if (args.flag("dry-run")) return show_plans(context);
  return fan_out<api::SyncResult>(context, {.method = "vm.sync"}, Json::object(), [&](const auto& result) {
    warn(context.io, result);
    return size_of(result);
  });
}

}  // namespace

extern const Command kVmSync;
constinit const Command kVmSync{
    .group = "vm",
    .name = "sync",
    .summary = "bring the files of [[file_sync]] in the config into running VMs",
    .details =
        "A VM gets these files when it is created or started. This command brings them into a VM that runs, with the "
        "changes since then. The files of the guest with the same names are replaced; nothing is removed. Files that "
        "cannot travel are warnings.\n"
        "The daemon reads the config when it starts: after a change, run 'banger daemon stop' first. VMs go on.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = sync,
};

}  // namespace banger::roles::cli
