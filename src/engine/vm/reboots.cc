#include "engine/vm/reboots.h"

#include <fmt/format.h>

#include "engine/bounds.h"

namespace banger::engine {

bool starts_after(const machine::MachineExit& exit, const store::VmRow& vm) {
  return exit.guest_initiated && exit.reason == "guest-reset" && vm.purpose == store::Purpose::user && !vm.ephemeral;
}

bool RebootLimit::admit(host::Clock::time_point now) {
  std::erase_if(admitted_, [&](auto at) { return now - at > limits::kRebootWindow; });
  if (admitted_.size() >= limits::kReboots) return false;
  admitted_.push_back(now);
  return true;
}

std::string RebootLimit::refusal() const {
  return fmt::format("the guest rebooted more than {} times within {} minutes, and was not started again",
                     limits::kReboots, limits::kRebootWindow.count());
}

}  // namespace banger::engine
