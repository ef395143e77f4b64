// One interface to a virtual machine monitor. A driver turns a MachineConfig into a running Machine; the rest of banger
// knows no VMM. Machines outlive the daemon: they are started detached and found again by what their record says.
//
//   start() ──► Machine (running) ──► wait_exit()
//   adopt(record) ──► Machine, or not_found when the process has gone
//
// A paused machine can be saved, and any number of machines can go on from what was saved: see SavedState.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/task.h"
#include "host/child.h"
#include "host/runtime.h"
#include "machine/metrics.h"

namespace banger::machine::firecracker {
class Jailer;
}

namespace banger::machine {

struct Drive {
  std::string serial;  ///< what the guest finds it by, at most 20 bytes
  std::string path;    ///< raw image on the host
  bool read_only = false;
  bool device = false;  ///< `path` is a block device
};

/// A network device on the VMM's user-mode network (10.0.2.0/24, guest .15, gateway .2, resolver .3).
struct UserNic {
  std::string mac;
  bool restrict_outside = false;  ///< the guest reaches neither the host nor the network; forwards still work
  struct Forward {
    std::string host_address;  ///< 127.x.y.z
    std::uint16_t host_port;
    std::uint16_t guest_port;
  };
  std::vector<Forward> forwards;
};

/// A network device on a tap of the host. Who starts the machine makes the tap and what lets its frames through.
struct TapNic {
  std::string mac;
  std::string device;  ///< its name, for a VMM that attaches to it itself: "bg-3"
  /// Attached to it already, with virtio headers; closed with the last config that has it. Null: none.
  std::shared_ptr<UniqueFd> fd = nullptr;
};

/// A paused machine on disk. A machine with the same drives, nics and sizes goes on from it: it maps `memory`
/// copy-on-write, so one saved state serves many machines at once and must stay as it is for as long as any of them
/// runs. Drives are not in it: whoever saves copies them while the machine stands still.
struct SavedState {
  std::string devices;  ///< file with the state of processors and devices, for this very VMM build only
  std::string memory;   ///< sparse file, as large as the guest's memory
  /// File with the pages that are not as `memory` has them (memory_changes.h); empty: none. A save that is given a name
  /// here may make `memory` another name of the file that the saved machine is mapped from, where this is small,
  /// instead of copying it.
  std::string changes;
  /// For what is still being saved: awaited before anything but `memory` is read. Empty: all of it is there.
  std::function<Task<Result<>>()> whole;
};

/// Everything a VMM is started with. Plain data; capabilities add to it.
struct MachineConfig {
  std::string id;         ///< the VM's id
  std::string token;      ///< unique per start; on the command line, so a process can be proved to be ours
  std::string directory;  ///< private directory of the VM: sockets and logs are made here, relative to it
  std::uint32_t vcpus = 1;
  std::uint64_t memory_bytes = 0;
  std::string kernel;                ///< ELF vmlinux
  std::vector<std::string> initrds;  ///< archives, concatenated in order (the driver makes the file it needs)
  std::string cmdline;               ///< additions to what the driver itself needs
  std::vector<Drive> drives;         ///< in guest order: vda, vdb, …
  std::vector<UserNic> nics;
  std::vector<TapNic> taps;  ///< after the nics, in guest order
  bool console = true;       ///< guest console into directory/console.log
  bool metrics = false;      ///< the VMM is to count what its guest does, if it has to be told
  std::string reason;        ///< why this VMM and no other, for people
  std::string memory_file;   ///< made by the driver: the guest's memory, every write of it; empty: memory has no file
  std::optional<SavedState> restore;  ///< go on from here instead of booting; kernel, initrds and cmdline are not used
  firecracker::Jailer* jailer = nullptr;  ///< starts a VMM that can be jailed in a jail; null: without one
};

/// What is stored to find a machine again after a daemon restart. Plain data, JSON in the store.
struct MachineRecord {
  std::string driver;       ///< "qemu" or "firecracker"
  std::string accelerator;  ///< "kvm" or "tcg"
  std::string version;      ///< the VMM's own version text
  host::ProcessId process;
  std::string token;
  std::string directory;
  std::string memory_file;  ///< what the guest's memory is mapped from; empty: nothing
  std::uint64_t memory_bytes = 0;
  std::string reason;   ///< MachineConfig::reason
  bool jailed = false;  ///< it has a root directory of its own in `directory`
};
Json to_json(const MachineRecord& record);
Result<MachineRecord> record_from_json(const Json& json);

struct MachineExit {
  bool guest_initiated = false;  ///< the guest powered itself off or rebooted
  std::string reason;  ///< "guest-shutdown", "guest-reset", "killed by signal 9", "exit code 1: <stderr>", "ended"
};

struct MachineStats {
  std::uint64_t cpu_time_us = 0;  ///< user + system time of the VMM process
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes = 0;  ///< PSS
};

/// One running VMM process. Destroying the object leaves the process alone.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual const MachineRecord& record() const = 0;

  /// A fresh connection to the guest end of the link. One at a time. `unavailable` when the process has gone.
  virtual Task<Result<UniqueFd>> open_link() = 0;
  /// Asks the guest's firmware for a power-off (ACPI or ctrl-alt-del); the guest may ignore it.
  virtual Task<Result<>> power_button() = 0;
  /// Whether a guest that powers itself off ends the machine. Else a reboot does.
  virtual bool powers_off() const { return true; }
  /// Processors stand still and what disks hold is with the host's kernel. Pausing twice is pausing once.
  virtual Task<Result<>> pause() = 0;
  virtual Task<Result<>> resume() = 0;
  /// Writes what can be written while the machine still runs, so that save() is short. Optional; same `to` as save().
  /// True when other machines may be started from it already, to wait until it is whole.
  virtual Task<Result<bool>> prepare_save(const SavedState& to) = 0;
  /// Writes the paused machine's state. `to.memory` may be the memory_file the machine was started with.
  virtual Task<Result<>> save(const SavedState& to) = 0;
  /// Grows the drive at that place in MachineConfig::drives; the guest is told.
  virtual Task<Result<>> resize_drive(std::size_t index, std::uint64_t size_bytes) = 0;
  /// Ends the process at once and waits for it.
  virtual Task<Result<>> kill() = 0;
  /// Completes when the process has ended, however it did. May be awaited by several.
  virtual Task<MachineExit> wait_exit() = 0;
  virtual bool running() const = 0;
  virtual Result<MachineStats> stats() const = 0;
  /// What the VMM has counted until now; it is asked. `busy` while something long is under way, `unsupported` when it
  /// was not told to count.
  virtual Task<Result<MachineMetrics>> metrics() = 0;
  /// Memory that goes when the process does: what it has written, not what it shares with its memory file. Cheap.
  virtual std::uint64_t own_memory_bytes() const = 0;
};

/// Told as soon as the process exists and before anything is waited for, so that it can be journalled.
struct StartObserver {
  /// An error ends the process and is what start() fails with. May be empty.
  std::function<Result<>(const MachineRecord& started)> started;
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual std::string_view name() const = 0;
  /// Starts the process detached and returns once its control channel answers. On failure nothing is left running and
  /// the error carries the VMM's stderr.
  virtual Task<Result<std::unique_ptr<Machine>>> start(const MachineConfig& config, const StartObserver& observer) = 0;
  /// The record of a machine that start() is about to make, but for its process.
  virtual MachineRecord planned(const MachineConfig& config) const = 0;
  /// Takes over a live process. `not_found` when it has gone, `cancelled` when its guest was never started: it is ended
  /// then. One that stands still, because whoever held it before was cut short, goes on if `go_on` is set.
  virtual Task<Result<std::unique_ptr<Machine>>> adopt(const MachineRecord& record, bool go_on) = 0;
  /// What a saved state depends on beside the guest: the VMM's build, its processor model, the host's kernel.
  virtual std::string build_key() const = 0;
  /// Taps are inherited as descriptors. Else the VMM attaches to them by name, and nobody else may be attached then.
  virtual bool inherits_taps() const { return true; }
};

/// The live process of this user whose command line carries `token`, if any: how a machine that was started just before
/// a crash, and not recorded, is found.
std::optional<host::ProcessId> find_process_by_token(std::string_view token);

}  // namespace banger::machine
