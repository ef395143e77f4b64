// The contract of a capability: one feature that touches a VM on both sides, in one file. The file exports one factory
// returning a Capability; the list in capabilities/meson.build puts it in the registry. Adding one: docs/hacking.md.
//
// Order of calls for one VM, each over the capabilities in list order:
//
//   host   check ─► prepare ─► machine ─► guest ─► [the VMM starts] ─► started
//   guest                                             └► apply_first, then apply (as PID 1, before the image's init)
//
// What a capability holds of the host while the machine runs has a life of its own, and a contract: resource.h.
// A hook left null does nothing. Hooks keep no state of their own between calls: what they made is found again from the
// VM's directory and the journal, so that any hook may run in a new daemon after a crash.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "capabilities/privileged.h"
#include "guest/handles.h"
#include "guestcfg/guest_config.h"
#include "host/runtime.h"
#include "link/link.h"
#include "machine/machine.h"
#include "vm/spec.h"

namespace banger::capabilities {

class HostResource;
struct ResourceHost;

/// The network of a machine that a host resource attached to it, for as long as the machine runs.
struct NetworkPort {
  std::string mac;
  std::string address;  ///< with the prefix: "172.16.0.5/24"
  std::string gateway;  ///< the host's address in that network
  std::vector<std::string> dns;
};

/// The disks that a VM writes to, in its directory and in saved states.
inline constexpr const char* kSystemDisk = "system.img";
inline constexpr const char* kWorkDisk = "work.img";
/// The disk of the kernel's modules in a VM's directory and in saved states; absent where the kernel has none.
inline constexpr const char* kModulesDisk = "modules.img";

/// What a hook may know of its VM. Borrowed for the call.
struct VmContext {
  host::Runtime& runtime;
  const Logger& log;
  std::string id, name;
  const vm::Spec& spec;
  std::string directory;   ///< the VM's private directory; exists, mode 0700; removed with everything in it on delete
  std::string rootfs;      ///< the image's ext4, read-only
  std::string work_seed;   ///< the image's ext4 of /root; empty: there is none, an empty one is made
  std::string kernel;      ///< vmlinux
  std::string modules;     ///< the ext4 of all the kernel's modules; empty: there is none
  std::string link_token;  ///< hex, new for every start
  std::uint32_t number;    ///< small, unique among this owner's VMs: MAC and loopback address derive from it
  bool first_boot;         ///< nothing has booted from this VM's disks yet
  bool restores = false;   ///< its machine goes on from a saved state, and has the drives that were saved
  std::optional<NetworkPort> port = {};  ///< nullopt: user-mode networking, or its machine does not run
};

/// What `check` looks at. No side effects are allowed on it.
struct CheckContext {
  const vm::Spec& spec;
  std::string state_directory;  ///< where VM disks will be
};

/// How far the guest side goes.
enum class ApplyMode {
  boot,       ///< PID 1 in the initramfs; `root` is the new root being built, disks are mounted by this very call
  live,       ///< the running system, root "/": POST /configure
  provision,  ///< a directory of files, e.g. a container build: files only, the kernel is left alone
};

struct Capability;

struct GuestTarget {
  std::string root;  ///< "/newroot", "/" or a directory
  ApplyMode mode;
  const Logger& log;
  bool first_boot;                  ///< boot: valid after the disks are mounted; live: given
  bool identified = false;          ///< set when every apply_first has succeeded: what runs now, runs as this machine
  bool units_changed = false;       ///< set in a live apply: systemd has to read its units again
  std::string old_machine_id = {};  ///< in a live apply: what the guest was until now
  bool later = false;               ///< set by an `apply` that leaves the rest to apply_later
  std::vector<const Capability*> waiting = {};  ///< those that did
  /// live: what this agent applied before, so that only what differs is done. Null: not known.
  const guestcfg::GuestConfig* before = nullptr;
  /// live: what this agent has open already. Null: to be opened for the occasion.
  const guest::Handles* handles = nullptr;
};

struct Capability {
  std::string_view name;

  /// Before every create and start, and for doctor. Fast, no side effects; an error carries a hint.
  Result<> (*check)(const CheckContext&) = nullptr;

  /// Makes what must exist before the machine starts (disks). Journalled by the caller as the VM's directory:
  /// everything made is inside `directory`, or is journalled by the hook itself. May be repeated; must accept its own
  /// earlier work.
  Task<Result<>> (*prepare)(const VmContext&) = nullptr;

  /// Adds drives, nics, channels, kernel arguments. Pure.
  Result<> (*machine)(const VmContext&, machine::MachineConfig&) = nullptr;

  /// Adds files, mounts, interfaces, units, users' keys. Pure but for the clock and random bytes.
  Result<> (*guest)(const VmContext&, guestcfg::GuestConfig&) = nullptr;

  /// The agent answers; the link is up. A failure is logged and told, the VM stays.
  Task<Result<>> (*started)(const VmContext&, link::Client&) = nullptr;

  /// Makes what this capability holds of the host for VMs; called once, when the daemon starts.
  std::unique_ptr<HostResource> (*resource)(const ResourceHost&) = nullptr;

  /// What it needs root for; run by the root helper on a system install.
  std::span<const PrivilegedOperation> privileged_ops;

  /// In the guest, of all capabilities before the first apply, on the running kernel alone: no files. For what nothing
  /// may run without; a failure ends a live apply, so that a clone stays still. Not called when provisioning.
  Result<> (*apply_first)(GuestTarget&, const guestcfg::GuestConfig&) = nullptr;

  /// In the guest, on this capability's own parts of the config. Repeatable: applying twice is applying once.
  Result<> (*apply)(GuestTarget&, const guestcfg::GuestConfig&) = nullptr;

  /// In a live guest, behind the answer to the host and before what a quiesce had frozen goes on: what no command can
  /// miss yet. Only after this capability's `apply` set GuestTarget::later.
  Result<> (*apply_later)(GuestTarget&, const guestcfg::GuestConfig&) = nullptr;

  /// While booting, a failing apply ends the boot; others are logged and the guest comes up without their part.
  bool essential = false;
};

/// All capabilities in list order; the table is written by the build.
std::span<const Capability* const> all();

}  // namespace banger::capabilities
