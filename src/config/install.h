// /etc/banger/install.toml: the user that a system install serves, and what the root helper may make for that user.
// `banger system install` writes the file, only root may edit it, and the root helper reads it. Parsing is as strict as
// for the user's config.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::config {

inline constexpr std::string_view kInstallFile = "/etc/banger/install.toml";
/// Not in /run/banger: in a guest the agent owns that directory, and a guest can have an install too.
inline constexpr std::string_view kHelperSocket = "/run/bangerd/helper.sock";

struct Install {
  std::string owner;  ///< a name in /etc/passwd
  std::string bridge_name = "br-banger";
  std::string bridge_ip = "172.16.0.1";  ///< checked: four numbers
  std::uint32_t cidr = 24;
  std::vector<std::string> roots;   ///< plain absolute paths
  std::string jailer, firecracker;  ///< plain absolute paths of the programs that make jails; both or neither
  bool operator==(const Install&) const = default;
};

/// Errors begin with `path:line: ` and are `invalid`. Any bytes are safe.
Result<Install> parse_install(std::string_view text, const std::string& path);
std::string format_install(const Install& install);

/// Reads the file. `denied` when users other than root can change it; `not_found` when it does not exist.
Result<Install> load_install(const std::string& path = std::string(kInstallFile));

}  // namespace banger::config
