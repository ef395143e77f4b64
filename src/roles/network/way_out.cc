#include "roles/network/way_out.h"

#include <fmt/format.h>

#include "roles/network/bounds.h"

namespace banger::roles::network {

std::vector<std::string> pasta_command(const std::string& program, pid_t server, uid_t owner) {
  std::vector<std::string> command = {
      program,
      "--config-net",  // it sets up its interface in the network
      "--no-map-gw",   // or the gateway would be the host's loopback
      "-t",           "none",    "-u",           "none",    "-T",       "none",
      "-U",           "none",  // by default it forwards all ports that it finds
      "-4",                    // the bridge has no IPv6
      "--no-dhcp",    "--no-ra", "--foreground", "--quiet", "--stderr", fmt::format("{}", server)};
  // For root, pasta becomes `nobody` by default, who may not enter root's network.
  if (owner == 0) command.insert(command.end() - 1, {"--runas", "0"});
  return command;
}

host::Clock::duration RestartPace::pause(host::Deadline now) {
  ends_ = now - started_ >= limits::kWayOutStable ? 1 : ends_ + 1;
  return ends_ <= limits::kWayOutShortPauses ? host::Clock::duration(limits::kWayOutPause)
                                             : host::Clock::duration(limits::kWayOutLongPause);
}

}  // namespace banger::roles::network
