// banger vm wait: for scripts that start a VM, or wait for its end.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kGoals[] = {"ready", "system", "stopped"};
constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    {.name = "for",
     .kind = Kind::text,
     .value = "WHAT",
     .help = "the agent answers (ready, the default), the guest has booted (system), or no machine runs (stopped)",
     .names = Names::choice,
     .choices = kGoals},
    {.name = "timeout",
     .kind = Kind::duration,
     .value = "TIME",
     .help = "how long to wait, like 90s (default: until interrupted)"},
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger vm wait web --timeout 2m", "until commands can run in it"},
    {"banger vm wait web --for stopped", "until somebody stops it, or the guest shuts down"},
};

bool has_machine(const api::VmObject& vm) { return vm.state != vm::State::stopped && vm.state != vm::State::suspended; }

bool reached(const api::VmObject& vm, std::string_view goal) {
  if (goal == "stopped") return !has_machine(vm);
  return vm.state == vm::State::running && (goal == "system" ? vm.system_ready : vm.agent_ready);
}

// Why a start came to its end. JSON texts of the daemon; either may be empty.
std::string why_ended(const api::VmObject& vm) {
  auto why = vm.last_error.empty() ? vm.ended : vm.last_error;
  return fmt::format("vm '{}' is {}{}", vm.name, vm::to_string(vm.state), why.empty() ? "" : ": " + why);
}

int no(Context& context, const std::string& why) {
  context.io.note(safe_text(why));
  return exit_status::kNo;
}

Result<int> wait(Context& context) {
  using Clock = std::chrono::steady_clock;
  const auto& args = context.args;
  auto goal = args.text("for").value_or("ready");
  auto timeout = args.number("timeout");
  auto until = Clock::now() + std::chrono::milliseconds(timeout.value_or(0));
  auto daemon = TRY(Daemon::connect(context.io));
  Json params = {{"vm", args.positionals[0]}};
  for (bool ran = false;;) {
    auto vm = TRY(daemon.get<api::VmObject>("vm.show", params));
    params["vm"] = vm.id;  // a VM may get another name meanwhile
    if (reached(vm, goal)) {
      print_new(context, vm, vm.id, fmt::format("{}: {}", vm.name, vm::to_string(vm.state)));
      return exit_status::kOk;
    }
    // A VM that has ended does not become ready. One that has not been started yet may.
    if (ran && !has_machine(vm)) return no(context, why_ended(vm));
    ran = has_machine(vm);
    if (timeout && Clock::now() >= until)
      return no(context, fmt::format("vm '{}' is {}, but not yet what was waited for: {}", vm.name,
                                     vm::to_string(vm.state), goal));
    if (TRY(daemon.signals().wait_for(limits::kWaitPoll))) return exit_status::kInterrupted;
  }
}

}  // namespace

extern const Command kVmWait;
constinit const Command kVmWait{
    .group = "vm",
    .name = "wait",
    .summary = "wait until a VM is ready, or until it has stopped",
    .details =
        "The exit status is 0 when the VM is what was waited for. It is 1 after the timeout, and when a VM that was "
        "starting or running ends before it is ready. A stopped VM is waited for: another command may start it.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = wait,
};

}  // namespace banger::roles::cli
