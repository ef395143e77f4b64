// `vm workspace export`: the changes of a guest become a patch. What the guest sends is data (src/workspace/patch.h).
#pragma once

#include <optional>
#include <string>

#include "roles/cli/workspace/guest.h"
#include "workspace/patch.h"

namespace banger::roles::cli {

// Options of the commands that compare.
inline constexpr Option kBaseOption{
    .name = "base-commit",
    .kind = Kind::text,
    .value = "REV",
    .help = "compare with this commit of the guest: an id, or HEAD~1 (default: the commit that was prepared)"};
inline constexpr Option kOnlyOption{.name = "path",
                                    .kind = Kind::text,
                                    .value = "PATH",
                                    .help = "only this file or directory of the repository; may be repeated"};

struct ExportWish {
  std::string base;  ///< a commit id, or HEAD and what git allows after it; empty: as prepared
  workspace::PatchWish patch;
  std::optional<std::string> output = {};    ///< a file of this host, or "-"
  std::optional<std::string> apply_to = {};  ///< a path in a checkout of this host
};

/// What --base-commit and --path ask for.
ExportWish export_wish(const Args& args);

/// Ends with `cancelled` on Ctrl-C, and leaves no temporary files.
Result<> export_workspace(Io& io, const GuestPlace& place, const ExportWish& wish);

}  // namespace banger::roles::cli
