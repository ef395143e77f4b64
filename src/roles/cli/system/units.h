// The systemd units of a system install, as text. They are made from the owner and from the powers of the operations.
// The settings that the units leave out have a reason here, for docs/privileges.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/install.h"
#include "host/passwd.h"

namespace banger::roles::cli {

/// The first line of every text file that an install writes. An install changes no file that begins with another line.
inline constexpr std::string_view kOursLine =
    "# Written by `banger system install`, removed by `banger system uninstall`.\n";

struct UnitFile {
  std::string name;  ///< "bangerd.service"
  std::string text;
};

/// The owner's directories that the daemon writes. A process of the owner makes them before the unit starts.
std::vector<std::string> owner_directories(const host::User& owner);

/// The units of the owner's daemon, the root helper and the helper's socket. `program` is the path of the installed
/// program. If the install has jails, the helper has more rights.
std::vector<UnitFile> unit_files(const host::User& owner, const std::string& program, const config::Install& install);

/// The lines that jails add to the helper's unit. systemd uses the last line for a setting.
std::string jail_lines(const config::Install& install);

/// The names of the units. An install starts them in this order.
inline constexpr std::string_view kSocketUnit = "bangerd-root.socket", kHelperUnit = "bangerd-root.service",
                                  kDaemonUnit = "bangerd.service";

struct LeftOut {
  std::string_view directive, why;
};
std::span<const LeftOut> left_out_of_helper();
std::span<const LeftOut> left_out_of_daemon();
std::span<const LeftOut> left_out_for_jails();

/// The names of the capabilities(7) in a set of bits, like "CAP_NET_ADMIN". A capability without a known name is a
/// number.
std::vector<std::string> capability_names_of(std::uint64_t powers);

}  // namespace banger::roles::cli
