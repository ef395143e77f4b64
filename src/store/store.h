// The owner's state: one SQLite database (WAL), written before every effect. Rows are plain data; higher layers give
// them their meaning. Used from the control thread only: each statement takes microseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/durable.h"
#include "base/result.h"
#include "store/kinds.h"

namespace banger::store {

/// One VM. JSON columns hold text; the store does not look inside.
struct VmRow {
  std::string id;            ///< 12 of [a-z0-9]
  std::string name;          ///< unique
  std::uint32_t number = 0;  ///< unique and small; addresses derive from it
  std::string state;         ///< vm::State
  std::string spec;          ///< JSON, vm::Spec
  std::string image_id;
  std::string kernel;                           ///< kernel name
  std::string machine;                          ///< JSON, machine::MachineRecord; empty when no process may exist
  std::string link_token;                       ///< hex; the token of the last start
  std::int64_t created_at = 0, started_at = 0;  ///< unix seconds
  bool booted = false;                          ///< a guest has booted from its disks
  std::string last_error;
  std::string stages;  ///< JSON, timings of the last create or start
  Purpose purpose = Purpose::user;
  std::string save_id;  ///< the saved state that its machine runs on or will resume from; empty: none
  std::optional<StartedFrom> started_from;  ///< nullopt: no machine runs
  bool ephemeral = false;                   ///< deleted when the client that created it goes away
  std::string ended;                        ///< how the last machine ended, in words; empty after a start
  std::int64_t ended_at = 0;                ///< unix seconds; 0 with an empty `ended`
};

/// One saved state: a machine's memory and devices, and disks, in files of its own.
struct SaveRow {
  std::string id;  ///< 12 of [a-z0-9]
  SaveKind kind = SaveKind::template_;
  bool ready = false;          ///< its files are complete
  std::string key;             ///< templates: what it was built from
  std::string name;            ///< snapshots: unique
  std::string vm_id, vm_name;  ///< the VM that was saved
  std::string spec;            ///< JSON, vm::Spec at that time
  std::string image_id, kernel;
  std::string machine;     ///< the VMM that wrote its memory: "qemu 7.2.22 tcg"; empty: no memory, only disks
  std::string build_key;   ///< machine::Driver::build_key(); a driver with another key cannot load it
  std::string link_token;  ///< hex; the token that its agent expects
  std::string files;       ///< JSON, the attributes of each file when the save was finished
  std::int64_t created_at = 0, used_at = 0;  ///< unix seconds

  /// Whether a machine can resume from it. Otherwise a machine can only boot from its disks.
  bool has_memory() const { return !machine.empty(); }
};

/// An external object that exists or is about to exist. The entry is written before the object is made and removed
/// after the object is gone.
struct JournalEntry {
  std::int64_t sequence = 0;
  std::string owner;  ///< VM id, kBridgeOwner or kStorageOwner
  std::string kind;   ///< "directory", "process", "tap", "bridge", "snapshot"
  std::string key;    ///< path, the token on the command line, a tap's number, the bridge's name, a VM's id
};

/// A VM's address on the bridge, for the VM's whole life.
struct Lease {
  std::string vm_id;
  std::uint32_t address = 0;  ///< IPv4, 172.16.0.1 is 0xac100001
};

/// Owner of the objects that belong to no single VM on the bridge: the bridge itself and idle taps.
inline constexpr const char* kBridgeOwner = "bridge";
/// Owner of the devices under VMs' disks. A device may outlive the record of its VM.
inline constexpr const char* kStorageOwner = "storage";

/// On a full disk a change gives the reserve up and is tried once more. If that fails too, the error is `exhausted`.
///
/// After a power cut, the last changes that are not durable may be missing, in the order of their writing. The next
/// durable change makes all changes before it durable. Every change survives the end of the daemon.
class Store {
 public:
  /// Opens or makes the database (mode 0600), migrating it forward. `unsupported` when a newer banger wrote it;
  /// `corrupt` when it is not a database.
  static Result<std::unique_ptr<Store>> open(const std::string& path);
  ~Store();

  /// `corrupt`, naming the VM, when a column holds a value that this version does not know.
  Result<std::vector<VmRow>> vms() const;
  /// Inserts the row with the smallest free number, and returns that number. Journals `entries` in the same
  /// transaction. `exists` when the name is taken.
  Result<std::uint32_t> insert_vm(const VmRow& row, const std::vector<JournalEntry>& entries);
  /// Replaces all columns but id and number. `exists` when a new name is taken.
  Result<> update_vm(const VmRow& row, Durable durable = Durable::yes);
  /// Deletes the row, its lease and all of its journal entries in one transaction.
  Result<> delete_vm(std::string_view id);

  Result<std::vector<SaveRow>> saves() const;
  /// `exists` when the name is taken.
  Result<> insert_save(const SaveRow& row);
  /// Replaces all columns but the id.
  Result<> update_save(const SaveRow& row, Durable durable = Durable::yes);
  Result<> delete_save(std::string_view id);

  Result<std::vector<Lease>> leases() const;
  /// Records the VM's lease and gives the VM the journal entry of its tap, whichever owner had that entry, in one
  /// transaction. `exists` when another VM has the address.
  Result<> record_lease(const Lease& lease, const std::string& tap);

  Result<> add_journal(const JournalEntry& entry, Durable durable = Durable::yes);
  Result<> remove_journal(std::string_view owner, std::string_view kind, std::string_view key,
                          Durable durable = Durable::yes);
  Result<std::vector<JournalEntry>> journal() const;

  /// Makes the reserve again that a full disk has used up (reserve.h). Cheap.
  void keep_reserve();
  /// Gives the reserve to another file of the daemon that a full disk has no room for. False when there was none.
  bool give_up_reserve();

  /// Called before every change to VMs, saved states and the journal, with the table and the state, kind or id to be
  /// written. An error makes the change fail with that error. Tests use this to check the order of writes and effects.
  using WriteObserver = std::function<Result<>(std::string_view table, std::string_view what)>;
  void observe_writes(WriteObserver observer);

  /// Small facts that are expensive to find out, e.g. whether KVM runs guests.
  Result<std::optional<std::string>> fact(std::string_view key) const;
  Result<> set_fact(std::string_view key, std::string_view value);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  static Result<std::unique_ptr<Impl>> open_database(const std::string& path);
  std::unique_ptr<Impl> impl_;
};

/// The schema version this build writes.
int schema_version();

}  // namespace banger::store
