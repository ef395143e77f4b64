#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

std::vector<std::string> command_line(const std::string& binary, const MachineConfig& config) {
  // The log is named here and not by PUT /logger, because messages before the first request would otherwise go to the
  // console. At this level the log shows how the guest ended. Otherwise only the parent process could ask the kernel.
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
