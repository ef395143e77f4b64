// The owner's state: one SQLite database (WAL), written before every effect. Rows are plain data; what they mean is
// decided above. Used from the control thread only: each statement takes microseconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  std::string link_token;                       ///< hex; of the last start
  std::int64_t created_at = 0, started_at = 0;  ///< unix seconds
  bool booted = false;                          ///< something has booted from its disks
  std::string last_error;
  std::string stages;  ///< JSON, timings of the last create or start
  Purpose purpose = Purpose::user;
  std::string save_id;                      ///< the saved state its machine runs on or will go on from; empty: none
  std::optional<StartedFrom> started_from;  ///< nullopt: no machine runs
  bool ephemeral = false;                   ///< goes with the client that had it made
};

/// One saved state: a machine's memory and devices, and disks, in files of its own.
struct SaveRow {
  std::string id;  ///< 12 of [a-z0-9]
  SaveKind kind = SaveKind::template_;
  bool ready = false;          ///< its files are whole
  std::string key;             ///< templates: what it was built from
  std::string name;            ///< snapshots: unique
  std::string vm_id, vm_name;  ///< of whom
  std::string spec;            ///< JSON, vm::Spec at that time
  std::string image_id, kernel;
  std::string machine;                       ///< whose memory it has: "qemu 7.2.22 tcg"; empty: it has disks only
  std::string build_key;                     ///< machine::Driver::build_key(); another one cannot load it
  std::string link_token;                    ///< hex; what its agent expects
  std::string files;                         ///< JSON, what each file looked like when it was finished
  std::int64_t created_at = 0, used_at = 0;  ///< unix seconds

  /// Whether a machine can go on from it; else one can only boot from its disks.
  bool has_memory() const { return !machine.empty(); }
};

/// An external object that exists or is about to: written before it is made, removed after it is gone.
struct JournalEntry {
  std::int64_t sequence = 0;
  std::string owner;  ///< VM id, kBridgeOwner or kStorageOwner
  std::string kind;   ///< "directory", "process", "tap", "bridge", "snapshot"
  std::string key;    ///< path, the token on the command line, a tap's number, the bridge's name, a VM's id
};

/// A VM's address on the bridge, for its life.
struct Lease {
  std::string vm_id;
  std::uint32_t address = 0;  ///< IPv4, 172.16.0.1 is 0xac100001
};

/// Owner of what serves the bridge's VMs but is nobody's: the bridge and idle taps.
inline constexpr const char* kBridgeOwner = "bridge";
/// Owner of the devices that VMs' disks are made of: they may outlive the record of their VM.
inline constexpr const char* kStorageOwner = "storage";

class Store {
 public:
  /// Opens or makes the database (mode 0600), migrating it forward. `unsupported` when a newer banger wrote it;
  /// `corrupt` when it is not a database.
  static Result<std::unique_ptr<Store>> open(const std::string& path);
  ~Store();

  /// `corrupt`, naming the VM, when a column holds what no version of banger wrote.
  Result<std::vector<VmRow>> vms() const;
  /// Inserts with the smallest free number, which it returns; `exists` when the name is taken. Journals `entries` in
  /// the same transaction.
  Result<std::uint32_t> insert_vm(const VmRow& row, const std::vector<JournalEntry>& entries);
  /// Replaces everything but id and number. `exists` when a new name is taken.
  Result<> update_vm(const VmRow& row);
  /// The row, its lease and all of its journal, in one transaction.
  Result<> delete_vm(std::string_view id);

  Result<std::vector<SaveRow>> saves() const;
  /// `exists` when the name is taken.
  Result<> insert_save(const SaveRow& row);
  /// Replaces everything but the id.
  Result<> update_save(const SaveRow& row);
  Result<> delete_save(std::string_view id);

  Result<std::vector<Lease>> leases() const;
  /// The VM's lease from now on, and the journal entry of its tap, whoever's it was, in one transaction. `exists` when
  /// another VM has the address.
  Result<> record_lease(const Lease& lease, const std::string& tap);

  Result<> add_journal(const JournalEntry& entry);
  Result<> remove_journal(std::string_view owner, std::string_view kind, std::string_view key);
  Result<std::vector<JournalEntry>> journal() const;

  /// Told of every change to VMs, saved states and the journal before it is made: which table, and the state, kind or
  /// id that is written. An error is what the change fails with. For tests of what is written before which effect.
  using WriteObserver = std::function<Result<>(std::string_view table, std::string_view what)>;
  void observe_writes(WriteObserver observer);

  /// Small facts that are expensive to find out, e.g. whether KVM runs guests.
  Result<std::optional<std::string>> fact(std::string_view key) const;
  Result<> set_fact(std::string_view key, std::string_view value);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The schema version this build writes.
int schema_version();

}  // namespace banger::store
