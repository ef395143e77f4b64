// The systemd units of a system install, as text: made from the owner and from what the operations need, never read
// from anywhere. What they leave out, and why, is beside it, for docs/privileges.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/install.h"
#include "host/passwd.h"

namespace banger::roles::cli {

/// The first line of every text file that an install writes. What does not begin with it is not touched.
inline constexpr std::string_view kOursLine =
    "# Written by `banger system install`, removed by `banger system uninstall`.\n";

struct UnitFile {
  std::string name;  ///< "bangerd.service"
  std::string text;
};

/// The owner's directories that the daemon writes to; made before its unit starts, by him.
std::vector<std::string> owner_directories(const host::User& owner);

/// `program`: the installed binary. Owner's daemon, root helper, and the helper's socket. The helper may do more where
/// the install has jails.
std::vector<UnitFile> unit_files(const host::User& owner, const std::string& program, const config::Install& install);

/// What the helper's unit says beside the rest for jails; the last word on a setting counts.
std::string jail_lines(const config::Install& install);

/// Names of the units that are enabled and started, in that order.
inline constexpr std::string_view kSocketUnit = "bangerd-root.socket", kHelperUnit = "bangerd-root.service",
                                  kDaemonUnit = "bangerd.service";

struct LeftOut {
  std::string_view directive, why;
};
std::span<const LeftOut> left_out_of_helper();
std::span<const LeftOut> left_out_of_daemon();
std::span<const LeftOut> left_out_for_jails();

/// Names of the capabilities(7) in a set of bits: "CAP_NET_ADMIN"; those without a name here by number.
std::vector<std::string> capability_names_of(std::uint64_t powers);

}  // namespace banger::roles::cli
