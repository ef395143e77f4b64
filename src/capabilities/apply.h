// The guest side of everything: all capabilities' own parts of a guest config, then the parts that belong to none.
#pragma once

#include "capabilities/capability.h"

namespace banger::capabilities {

/// In order: every capability's apply, then mounts, files, users' keys, units and (live) run_once. Blocks; in the
/// agent, call it on the pool. Applying twice is applying once.
///
///   boot       a failing essential capability (disks) ends it with the error; any other failure is logged and the boot
///              goes on, for a guest that can be looked into is worth more than none. run_once is left to
///              run_first_boot().
///   live       everything is tried, the first failure is returned. systemd re-reads its units when they changed.
///   provision  as live, but only files, keys and units; nothing of the running kernel is touched and nothing is run.
Result<> apply_all(GuestTarget& target, const guestcfg::GuestConfig& config);

/// Runs config.run_once, in order, up to the first that fails, each list of commands at most once for a system disk
/// (crashes apart). Then remembers that the first boot is over. After a boot it is called in the new root, before the
/// image's init. target.root must be "/".
Result<> run_first_boot(const GuestTarget& target, const guestcfg::GuestConfig& config);

}  // namespace banger::capabilities
