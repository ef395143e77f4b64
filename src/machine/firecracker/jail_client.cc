#include "machine/firecracker/jail_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "host/files.h"
#include "machine/firecracker/firecracker.h"
#include "machine/firecracker/requests.h"

namespace banger::machine::firecracker {

JailedStart jailed_start(const MachineConfig& config) {
  JailedStart start{.vm_id = config.id,
                    .token = config.token,
                    .directory = config.directory,
                    .read = {},
                    .write = {},
                    .console = config.console,
                    .vcpus = config.vcpus,
                    .memory_bytes = config.memory_bytes};
  auto own = [&](std::string_view name) {
    return JailFile{fmt::format("{}/{}", config.directory, name), std::string(name)};
  };
  start.write.push_back(own(kFirecrackerLog));
  if (config.metrics) start.write.push_back(own(kMetricsFile));
  for (std::size_t i = 0; i < config.drives.size(); ++i)
    (config.drives[i].read_only ? start.read : start.write).push_back({config.drives[i].path, drive_name(i)});
  if (config.restore) {
    start.read.push_back({config.restore->devices, std::string(kLoadedDevices)});
    start.read.push_back({config.restore->memory, std::string(kLoadedMemory)});
    return start;
  }
  start.read.push_back({config.kernel, std::string(kJailedKernel)});
  if (!config.initrds.empty()) start.read.push_back(own(kInitrdFile));
  return start;
}

MachineConfig in_jail(const MachineConfig& config) {
  auto inside = config;
  inside.kernel = kJailedKernel;
  if (inside.restore)
    inside.restore = SavedState{.devices = std::string(kLoadedDevices), .memory = std::string(kLoadedMemory)};
  return inside;
}

Result<> link_sockets(const std::string& directory) {
  for (auto name : {kApiSocket, kVsockSocket}) {
    auto link = fmt::format("{}/{}", directory, name), target = fmt::format("{}/{}", kJailDirectory, name);
    if (::symlink(target.c_str(), link.c_str()) < 0) return fail_errno(link);
  }
  return {};
}

Result<> move_state_out(const std::string& directory, const SavedState& to) {
  const std::pair<std::string_view, const std::string&> files[] = {{kSavedDevices, to.devices},
                                                                   {kSavedMemory, to.memory}};
  for (const auto& [name, target] : files)
    if (std::rename(fmt::format("{}/{}/{}", directory, kJailDirectory, name).c_str(), target.c_str()) < 0)
      return fail_errno(target);
  return {};
}

}  // namespace banger::machine::firecracker
