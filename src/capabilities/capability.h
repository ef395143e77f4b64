// The contract of a capability: one feature that touches a VM on both sides, in one file. The file exports one factory
// that returns a Capability. The list in capabilities/meson.build puts the capability into the registry.
// docs/hacking.md explains how to add one.
//
// Order of calls for one VM, each over the capabilities in list order:
//
//   host   check ─► prepare ─► machine ─► guest ─► [the VMM starts] ─► started
//   guest                                             └► apply_first, then apply (as PID 1, before the image's init)
//
// Things that a capability holds of the host while the machine runs have a contract of their own: resource.h. A null
// hook does nothing. Hooks keep no state between calls. They find their earlier work in the VM's directory and in the
// journal, so any hook can run in a new daemon after a crash.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "capabilities/file_sync/host_tree.h"
#include "capabilities/privileged.h"
#include "guest/changes.h"
#include "guest/handles.h"
#include "guestcfg/guest_config.h"
#include "host/runtime.h"
#include "http/proxy.h"
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
  std::uint32_t mtu = 0;    ///< 0: as Ethernet has
  bool host_names = false;  ///< `dns` knows the names of this host's search domains
  std::string proxy = {};   ///< where the relay to the host's proxy listens: "172.16.0.1:3128"; empty: there is none
};

/// Names of the disks that a VM writes to, in its directory and in saved states.
inline constexpr const char* kSystemDisk = "system.img";
inline constexpr const char* kWorkDisk = "work.img";
/// Name of the disk with the kernel's modules, in a VM's directory and in saved states. Absent where the kernel has no
/// modules.
inline constexpr const char* kModulesDisk = "modules.img";

/// What a hook knows about its VM. Borrowed for the call.
struct VmContext {
  host::Runtime& runtime;
  const Logger& log;
  std::string id, name;
  const vm::Spec& spec;
  std::string directory;  ///< the VM's private directory: exists, mode 0700, removed with its content on delete
  std::string rootfs;     ///< the image's ext4, read-only
  std::string work_seed;  ///< the image's ext4 of /root; empty: the image has none, and an empty disk is made
  guestcfg::RunConfig run_config;  ///< how the image's programs want to run
  std::string kernel;              ///< vmlinux
  std::string modules;             ///< the ext4 with all modules of the kernel; empty: the kernel has none
  std::string link_token;          ///< hex, new for every start
  std::uint32_t number;            ///< small, unique among this owner's VMs; MAC and loopback address derive from it
  bool first_boot;                 ///< nothing has booted from this VM's disks yet
  bool restores = false;           ///< the machine continues from a saved state, and has the drives that were saved
  std::optional<NetworkPort> port = {};    ///< nullopt: user-mode networking, or the machine does not run
  std::string owner_key = {};              ///< the SSH key that the guest accepts, as "TYPE BASE64"; empty: none
  bool link_local = false;                 ///< the guest may reach 169.254.0.0/16
  std::string timezone = {}, locale = {};  ///< names, or "host"; empty: the image's
  http::ProxySettings proxy = {};          ///< of this host, for guests that use them; empty: none do
  std::string authority = {};              ///< PEM of the CA for the hosts of the VM's secrets; empty: none
  HostFiles files = {};                    ///< none for a guest that goes on, or that has no user yet
};

/// The caller who waits for a start. Borrowed for the call.
struct Waiter {
  std::function<void(std::string_view sentence)> warn;  ///< for the user and the log
  std::function<bool()> given_up;                       ///< true when nobody waits any more; long work then ends
};

/// The input of `check`, which must have no side effects.
struct CheckContext {
  const vm::Spec& spec;
  std::string state_directory;  ///< where VM disks will be
};

/// How much the guest's side does.
enum class ApplyMode {
  boot,       ///< PID 1 in the initramfs; `root` is the new root that is being built, and this call mounts the disks
  live,       ///< the running system, root "/": POST /configure
  provision,  ///< a directory of files, e.g. a container build: writes files only, and leaves the kernel alone
};

struct Capability;

struct GuestTarget {
  std::string root;  ///< "/newroot", "/" or a directory
  ApplyMode mode;
  const Logger& log;
  bool first_boot;          ///< boot: valid once the disks are mounted; live: set by the caller
  bool identified = false;  ///< set when every apply_first has succeeded: from then on, the guest has its own identity
  bool units_changed = false;                   ///< set by a live apply: systemd has to read its units again
  std::string old_machine_id = {};              ///< in a live apply: the machine-id until now
  bool later = false;                           ///< set by an `apply` that leaves work to apply_later
  std::vector<const Capability*> waiting = {};  ///< capabilities that set `later`
  std::int64_t clock_step_ns = 0;               ///< in a live apply: a small step of the clock that the caller makes
  /// live: the config that this agent applied before, so that only the differences are applied. Null: unknown.
  const guestcfg::GuestConfig* before = nullptr;
  /// live: descriptors that this agent holds open already. Null: the call opens its own.
  const guest::Handles* handles = nullptr;
  /// What the call changes. With Changes::Do::only_list, only for ApplyMode::provision. Null: nobody asks.
  guest::Changes* changes = nullptr;
};

struct Capability {
  std::string_view name;

  /// Called before every create and start, and by doctor. Fast, without side effects. An error carries a hint.
  Result<> (*check)(const CheckContext&) = nullptr;

  /// Makes everything that must exist before the machine starts (disks). The caller journals the VM's directory, so
  /// everything made is inside `directory`, or the hook journals it itself. May be repeated, and must accept its own
  /// earlier work.
  Task<Result<>> (*prepare)(const VmContext&) = nullptr;

  /// Adds drives, nics, channels, kernel arguments. Pure.
  Result<> (*machine)(const VmContext&, machine::MachineConfig&) = nullptr;

  /// Adds files, mounts, interfaces, units, users' keys. Pure except for the clock, random bytes and the host's
  /// settings, such as resolv.conf.
  Result<> (*guest)(const VmContext&, guestcfg::GuestConfig&) = nullptr;

  /// Called when the agent answers over the link, and when a user takes a machine of the ready pool. A failure is
  /// logged and reported, and the VM stays.
  Task<Result<>> (*started)(const VmContext&, link::Client&, const Waiter&) = nullptr;

  /// Makes the host resource of this capability. Called once, when the daemon starts.
  std::unique_ptr<HostResource> (*resource)(const ResourceHost&) = nullptr;

  /// The operations that need root. On a system install, the root helper runs them.
  std::span<const PrivilegedOperation> privileged_ops;

  /// In the guest, for all capabilities before the first apply. It changes the running kernel only, no files. For steps
  /// that must come before everything else: a failure ends a live apply, so that a clone stays paused. Not called when
  /// provisioning.
  Result<> (*apply_first)(GuestTarget&, const guestcfg::GuestConfig&) = nullptr;

  /// In the guest, applies this capability's own parts of the config. Applying twice has the same effect as applying
  /// once.
  Result<> (*apply)(GuestTarget&, const guestcfg::GuestConfig&) = nullptr;

  /// In a live guest, after the answer to the host and before the processes that the quiesce froze go on. For work that
  /// no command can miss yet. Called only if this capability's `apply` set GuestTarget::later.
  Result<> (*apply_later)(GuestTarget&, const guestcfg::GuestConfig&) = nullptr;

  /// While the guest boots, a failure of this apply ends the boot. Other failures are logged, and the guest boots
  /// without them.
  bool essential = false;
};

/// All capabilities in list order. The build writes the table.
std::span<const Capability* const> all();

}  // namespace banger::capabilities
