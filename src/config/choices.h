// Choices of configuration keys for which no other folder has a type.
#pragma once

#include <string_view>

#include "base/words.h"

namespace banger::config {

/// The VMM of new machines.
enum class MachineChoice {
  automatic,  ///< the best one that works on this host
  firecracker,
  qemu,
};
inline constexpr Word<MachineChoice> kMachineWords[] = {
    {MachineChoice::automatic, "auto"}, {MachineChoice::firecracker, "firecracker"}, {MachineChoice::qemu, "qemu"}};

/// How an unused VM is stopped.
enum class StopAction { stop, suspend };
inline constexpr Word<StopAction> kStopActionWords[] = {{StopAction::stop, "stop"}, {StopAction::suspend, "suspend"}};
constexpr std::string_view to_string(StopAction action) { return word_of(kStopActionWords, action); }

}  // namespace banger::config
