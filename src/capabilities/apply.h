// The guest side of everything: all capabilities' own parts of a guest config, then the parts that belong to none.
#pragma once

#include "capabilities/capability.h"

namespace banger::capabilities {

/// In order: every capability's apply_first, every capability's apply, then mounts, files, users' keys and units.
/// Starts no process, so it works in a guest whose processes are frozen. Blocks; in the agent, call it on the pool
/// unless is_brief(). Applying twice is applying once.
///
///   boot       a failing essential capability (disks) ends it with the error; any other failure is logged and the boot
///              goes on, for a guest that can be looked into is worth more than none. run_once is left to
///              run_first_boot().
///   live       an apply_first that fails is the end; of the rest everything is tried and the first failure returned.
///              What needs processes is left to settle().
///   provision  as live, but only files, keys and units; nothing of the running kernel is touched.
Result<> apply_all(GuestTarget& target, const guestcfg::GuestConfig& config);

/// Whether a live apply of it does no more than say who the guest is: a few small files, no disk, nothing that may take
/// long.
bool is_brief(const guestcfg::GuestConfig& config);

/// What capabilities left for after the answer. Starts no process; before the frozen ones go on. Blocks.
Result<> apply_later(GuestTarget& target, const guestcfg::GuestConfig& config);

/// The second half of a live apply, which runs processes: systemd re-reads its units if they changed; on the first
/// start, run_once. Nothing in the other modes. needs_settling() tells whether there is anything to do.
bool needs_settling(const GuestTarget& target, const guestcfg::GuestConfig& config);
Result<> settle(const GuestTarget& target, const guestcfg::GuestConfig& config);

/// Runs config.run_once, in order, up to the first that fails, each list of commands at most once for a system disk
/// (crashes apart). Then remembers that the first boot is over. After a boot it is called in the new root, before the
/// image's init. target.root must be "/".
Result<> run_first_boot(const GuestTarget& target, const guestcfg::GuestConfig& config);

}  // namespace banger::capabilities
