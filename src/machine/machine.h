// One interface to a virtual machine monitor (VMM). A driver turns a MachineConfig into a running Machine. The rest of
// banger knows no VMM. Machines outlive the daemon: they start detached, and a new daemon finds them by their record.
//
//   start() ──► Machine (running) ──► wait_exit()
//   adopt(record) ──► Machine, or not_found when the process is gone
//
// A paused machine can be saved. Any number of machines can continue from one saved state: see SavedState.
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
  std::string serial;  ///< the guest finds the drive by its serial; at most 20 bytes
  std::string path;    ///< raw image on the host
  bool read_only = false;
  bool device = false;  ///< `path` is a block device
};

/// What all disks of a machine together may do in a second. 0: no limit.
struct DiskLimits {
  std::uint64_t operations = 0, bytes = 0;
  bool operator==(const DiskLimits&) const = default;
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

/// A network device on a tap of the host. The caller of start() makes the tap, and lets the guest's frames pass.
struct TapNic {
  std::string mac;
  std::string device;  ///< its name, for a VMM that attaches to the tap itself: "bg-3"
  /// A descriptor that is attached to the tap, with virtio headers. Closed with the last config that has it. Null:
  /// none.
  std::shared_ptr<UniqueFd> fd = nullptr;
};

/// A paused machine on disk. A machine with the same drives, nics and sizes can continue from it. That machine maps
/// `memory` copy-on-write, so one saved state serves many machines, and must not change while any of them runs. Drives
/// are not part of the state: the caller of save() copies them during the pause.
struct SavedState {
  std::string devices;  ///< file with the state of processors and devices, only for exactly this VMM build
  std::string memory;   ///< sparse file, as large as the guest's memory
  /// File with the pages that differ from `memory` (memory_changes.h); empty: none. With a name here, a save may
  /// hard-link `memory` to the saved machine's memory file instead of copying it, if the differences are small.
  std::string changes;
  DiskLimits disk_limits = {};  ///< of the saved machine; a VMM may restore them with the devices
  /// Set while a save is still running: wait for it before reading anything except `memory`. Empty: the state is
  /// complete.
  std::function<Task<Result<>>()> whole;
};

/// Everything a VMM is started with. Plain data; capabilities add to it.
struct MachineConfig {
  std::string id;         ///< the VM's id
  std::string token;      ///< unique per start; on the command line, so that a process can be proved to be ours
  std::string directory;  ///< private directory of the VM: sockets and logs are made here, relative to it
  std::uint32_t vcpus = 1;
  std::uint64_t memory_bytes = 0;
  std::string kernel;                ///< ELF vmlinux
  std::vector<std::string> initrds;  ///< archives, concatenated in order (the driver makes the file it needs)
  std::string cmdline;               ///< additions to what the driver itself needs
  std::vector<Drive> drives;         ///< in guest order: vda, vdb, …
  DiskLimits disk_limits = {};
  std::vector<UserNic> nics;
  std::vector<TapNic> taps;  ///< after the nics, in guest order
  /// the private network in which the taps are; null: they are in this process's own
  std::shared_ptr<const host::Namespaces> network = nullptr;
  /// directory of a cgroup (version 2) in which the VMM begins; null: that of this process
  std::shared_ptr<UniqueFd> cgroup = nullptr;
  bool console = true;   ///< guest console into directory/console.log
  bool metrics = false;  ///< the VMM counts the work of its guest, if counting is optional
  std::string reason;    ///< why this VMM was chosen, for people
  /// made by the driver: a file with the guest's memory and every write to it; empty: no file
  std::string memory_file;
  /// continue from here instead of booting; kernel, initrds and cmdline are then unused
  std::optional<SavedState> restore;
  firecracker::Jailer* jailer = nullptr;  ///< starts the VMM in a jail, if the driver supports jails; null: no jail
};

/// Stored to find a machine again after a restart of the daemon. Plain data, JSON in the store.
struct MachineRecord {
  std::string driver;       ///< "qemu" or "firecracker"
  std::string accelerator;  ///< "kvm" or "tcg"
  std::string version;      ///< the VMM's own version text
  host::ProcessId process;
  std::string token;
  std::string directory;
  std::string memory_file;  ///< the file that the guest's memory is mapped from; empty: none
  std::uint64_t memory_bytes = 0;
  std::string reason;              ///< MachineConfig::reason
  bool jailed = false;             ///< it has its own root directory, in `directory`
  std::uint64_t console_from = 0;  ///< size of the console's log when the machine started (console.h)
};
Json to_json(const MachineRecord& record);
Result<MachineRecord> record_from_json(const Json& json);

/// The reason of an end that nobody has seen. The kernel reports the exit status to the parent only.
inline constexpr std::string_view kUnknownEnd = "the reason is not known, because an earlier daemon started it";

struct MachineExit {
  bool guest_initiated = false;  ///< the guest powered itself off or rebooted
  /// "guest-shutdown", "guest-reset", "kernel panic: …", "killed by signal 9", "exit code 1: <stderr>", kUnknownEnd
  std::string reason;
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

  /// Opens a new connection to the guest's end of the link. One at a time. `unavailable` when the process has ended.
  virtual Task<Result<UniqueFd>> open_link() = 0;
  /// Presses the guest's power button (ACPI or ctrl-alt-del). The guest may ignore it.
  virtual Task<Result<>> power_button() = 0;
  /// Whether the machine ends when its guest powers off. Otherwise a reboot ends the machine.
  virtual bool powers_off() const { return true; }
  /// Stops the processors, and completes disk writes to the host's kernel. A second pause has no effect.
  virtual Task<Result<>> pause() = 0;
  virtual Task<Result<>> resume() = 0;
  /// Writes as much as possible while the machine still runs, so that save() is short. Optional. `to` is the same as
  /// for save(). True when other machines can already start from `to`, if they wait for `to.whole`.
  virtual Task<Result<bool>> prepare_save(const SavedState& to) = 0;
  /// Writes the state of the paused machine. `to.memory` may be the memory_file that the machine was started with.
  virtual Task<Result<>> save(const SavedState& to) = 0;
  /// Grows the drive at that index of MachineConfig::drives, and notifies the guest.
  virtual Task<Result<>> resize_drive(std::size_t index, std::uint64_t size_bytes) = 0;
  /// Changes MachineConfig::disk_limits.
  virtual Task<Result<>> limit_disks(const DiskLimits& limits) = 0;
  /// Why the VMM itself has paused the guest, in words: the host could not write the guest's disk. Empty: it has not.
  /// The write is not lost: resume() tries the write again.
  virtual std::string paused_because() const { return ""; }
  /// Kills the process, and waits for its end.
  virtual Task<Result<>> kill() = 0;
  /// Does the same to a machine whose guest has ended and whose process runs on. wait_exit() then returns `exit`.
  virtual Task<Result<>> end_as(MachineExit exit) = 0;
  /// Completes when the process has ended, for any reason. Several coroutines may wait.
  virtual Task<MachineExit> wait_exit() = 0;
  virtual bool running() const = 0;
  virtual Result<MachineStats> stats() const = 0;
  /// Asks the VMM for its counts. `busy` during another long request, `unsupported` when the VMM was started without
  /// metrics.
  virtual Task<Result<MachineMetrics>> metrics() = 0;
  /// Memory that is freed when the process ends: its own pages, not the pages that it shares with its memory file.
  /// Cheap.
  virtual std::uint64_t own_memory_bytes() const = 0;
};

/// What becomes of a machine that is found paused.
enum class Paused { resumes, stays };

/// Called as soon as the process exists and before any wait, so that the process can be journalled.
struct StartObserver {
  /// An error ends the process, and start() fails with that error. May be empty.
  std::function<Result<>(const MachineRecord& started)> started;
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual std::string_view name() const = 0;
  /// Starts the process detached, and returns when its control channel answers. After a failure nothing runs, and the
  /// error contains the VMM's stderr.
  virtual Task<Result<std::unique_ptr<Machine>>> start(const MachineConfig& config, const StartObserver& observer) = 0;
  /// The record of a machine before start() has made its process.
  virtual MachineRecord planned(const MachineConfig& config) const = 0;
  /// Adopts a live process. `not_found` when the process is gone, `cancelled` when its guest was never started: the
  /// process is then ended. `Paused::resumes` is for a machine that a daemon left paused because it was interrupted.
  virtual Task<Result<std::unique_ptr<Machine>>> adopt(const MachineRecord& record, Paused paused) = 0;
  /// The key of everything that a saved state depends on beside the guest: the VMM's build, its processor model, the
  /// host's kernel.
  virtual std::string build_key() const = 0;
  /// True: the VMM inherits taps as descriptors. False: the VMM attaches to taps by name, and no other process may be
  /// attached then.
  virtual bool inherits_taps() const { return true; }
};

/// The live process of this user with `token` on its command line, if any. Finds a machine that was started just before
/// a crash, and not recorded.
std::optional<host::ProcessId> find_process_by_token(std::string_view token);

}  // namespace banger::machine
