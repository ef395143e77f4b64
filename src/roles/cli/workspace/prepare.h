// `vm workspace prepare`: a checkout of this host becomes one of a guest. The work is done by this process, with the
// rights of its user. The source repository is only read.
#pragma once

#include <functional>
#include <string>

#include "roles/cli/command.h"
#include "roles/cli/workspace/guest.h"
#include "roles/cli/workspace/look.h"
#include "workspace/start.h"

namespace banger::roles::cli {

inline constexpr std::string_view kWorkspaceModes[] = {"shallow_overlay", "full_copy", "metadata_only"};
inline constexpr Option kBranchOption{
    .name = "branch", .kind = Kind::text, .value = "NAME", .help = "begin a new branch in the guest"};
inline constexpr Option kFromOption{.name = "from",
                                    .kind = Kind::text,
                                    .value = "REV",
                                    .help = "begin the branch at this revision, without local changes; needs --branch"};
inline constexpr Option kModeOption{
    .name = "mode",
    .kind = Kind::text,
    .value = "MODE",
    .help =
        "the latest commits and the files, all commits and branches and the files, or no files (default: "
        "shallow_overlay)",
    .names = Names::choice,
    .choices = kWorkspaceModes};
inline constexpr Option kUntrackedOption{.name = "include-untracked",
                                         .help = "take along new files that git does not ignore"};
inline constexpr Option kDryRunOption{.name = "dry-run", .help = "print the files that would travel, and do nothing"};

inline constexpr Option kReadOnlyOption{
    .name = "readonly", .help = "make the files in the guest read-only, until the guest stops or the next prepare"};

/// What --branch, --from, --mode and --include-untracked ask for.
workspace::Wish workspace_wish(const Args& args);

/// A checkout, and what of it travels.
struct Departure {
  workspace::Checkout checkout;
  workspace::Start start;

  /// Looks at the host only. Prints a note for what does not travel. Calls `found` when there is a checkout, before the
  /// files are listed.
  static Result<Departure> find(
      const Io& io, const std::string& path, const workspace::Wish& wish, const std::function<void()>& found = [] {});
  /// What --dry-run prints.
  std::string text() const;
};

enum class Access { writable, read_only };

/// Makes or updates the repository in the guest, which `report` describes. `exists`, with their names, if work of the
/// guest is in the way. Ends with `cancelled` on Ctrl-C, and leaves no temporary files. With Access::read_only, the
/// guest cannot change the files afterwards; `unsupported` if it has no way for that.
Result<> prepare_workspace(Io& io, const Departure& departure, const GuestPlace& place, EarlyReport& report,
                           Access access = Access::writable);

}  // namespace banger::roles::cli
