// The guest's side of all capabilities: first each capability's own part of a guest config, then the parts that belong
// to no capability.
#pragma once

#include "capabilities/capability.h"

namespace banger::capabilities {

/// In order: every capability's apply_first, every capability's apply, then mounts, files, users' keys and units.
/// Starts no process, so it works in a guest whose processes are frozen. Blocks: the agent calls it on the pool unless
/// is_brief(). Applying twice has the same effect as applying once.
///
///   boot       A failure of an essential capability (disks) ends the boot with its error. Any other failure is logged,
///              and the boot goes on: a guest that can be examined is worth more than no guest. run_once is left to
///              run_first_boot().
///   live       A failure of an apply_first ends the call. Otherwise everything is tried, and the first failure is
///              returned. Work that needs processes is left to settle().
///   provision  As live, but only files, keys and units. Nothing of the running kernel is changed.
Result<> apply_all(GuestTarget& target, const guestcfg::GuestConfig& config);

/// Whether a live apply of `config` after `before` changes only the guest's identity: a few small files, no disk,
/// nothing that can take long.
bool is_brief(const guestcfg::GuestConfig& config, const guestcfg::GuestConfig& before);

/// Does the work that capabilities postponed until after the answer. Starts no process. Call it before the frozen
/// processes go on. Blocks.
Result<> apply_later(GuestTarget& target, const guestcfg::GuestConfig& config);

/// The second half of a live apply, which runs processes: systemd reads its units again if they changed, and the first
/// start runs run_once. Does nothing in the other modes. needs_settling() returns whether there is anything to do.
bool needs_settling(const GuestTarget& target, const guestcfg::GuestConfig& config);
Result<> settle(const GuestTarget& target, const guestcfg::GuestConfig& config);

/// Runs config.run_once in order, up to the first failure. Each list of commands runs at most once for a system disk,
/// unless the guest crashes in between. Then records that the first boot is over. A boot calls it in the new root,
/// before the image's init. target.root must be "/".
Result<> run_first_boot(const GuestTarget& target, const guestcfg::GuestConfig& config);

}  // namespace banger::capabilities
