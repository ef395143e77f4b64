#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

std::vector<std::string> command_line(const std::string& binary, const MachineConfig& config) {
  // The log is given here and not by PUT /logger, for even the words before the first request would else end up in the
  // console. At this level it says how the guest ended, which no one but a parent could ask the kernel for.
  return {binary,
          "--id",
          config.token,
          "--api-sock",
          std::string(kApiSocket),
          "--log-path",
          std::string(kFirecrackerLog),
          "--level",
          "Info",
          "--show-level"};
}

}  // namespace banger::machine::firecracker
