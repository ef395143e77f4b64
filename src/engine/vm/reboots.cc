#include "engine/vm/reboots.h"

#include <fmt/format.h>

#include "engine/bounds.h"

namespace banger::engine {

namespace {

bool reboots(const machine::MachineExit& exit) { return exit.guest_initiated && exit.reason == "guest-reset"; }

}  // namespace

bool starts_after(const machine::MachineExit& exit, const store::VmRow& vm, vm::Restart restart) {
  if (vm.purpose != store::Purpose::user || vm.ephemeral) return false;
  if (reboots(exit) || restart == vm::Restart::always) return true;
  return restart == vm::Restart::on_failure && !exit.guest_initiated;
}

bool RebootLimit::admit(host::Clock::time_point now) {
  std::erase_if(admitted_, [&](auto at) { return now - at > limits::kRebootWindow; });
  if (admitted_.size() >= limits::kReboots) return false;
  admitted_.push_back(now);
  return true;
}

std::string RebootLimit::refusal(const machine::MachineExit& exit) {
  auto text = fmt::format("the guest {} more than {} times within {} minutes, and was not started again",
                          reboots(exit) ? "rebooted" : "ended", limits::kReboots, limits::kRebootWindow.count());
  return reboots(exit) ? text : fmt::format("{}; at last: {}", text, exit.reason);
}

}  // namespace banger::engine
