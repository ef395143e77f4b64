// Saved states of machines: templates, suspended VMs, snapshots and what forks share. Each is a directory of its own
// that never changes once it is finished, for machines run on its memory file; it goes when nobody does any more.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "machine/machine.h"
#include "store/store.h"

namespace banger::engine {

/// Whether finish() waits until the files are safe from a power failure.
enum class Durable { no, yes };

class Saves {
 public:
  Saves(host::Runtime& runtime, const Logger& log, const host::Paths& paths, store::Store& store)
      : runtime_(runtime), log_(log), paths_(paths), store_(store), changed_(runtime) {}

  /// Reads the store and removes what was never finished. Users are told with use() afterwards.
  Result<> load();

  std::vector<store::SaveRow> list(store::SaveKind kind) const;
  Result<store::SaveRow> get(std::string_view id) const;

  std::string directory(const std::string& id) const { return paths_.save(id); }
  /// Where one that is made now puts its state: what is gone with its machines may share the memory file of its parent.
  machine::SavedState new_state(const store::SaveRow& row) const;
  /// What machines go on from. One that is not finished yet is waited for, and checked then, by who starts such a
  /// machine.
  Result<machine::SavedState> state(const store::SaveRow& row, std::string build_key);
  std::string disk(const std::string& id, const char* name) const { return directory(id) + "/" + name; }
  /// Bytes on the host's disk, without a modules disk that its kernel or others still have.
  std::uint64_t disk_usage(const std::string& id) const;
  /// True for one that is recorded or is being removed just now.
  bool owns(const std::string& id) const { return rows_.contains(id) || dropping_.contains(id); }

  /// Records a new one under an id of its own and makes its directory.
  Result<store::SaveRow> begin(store::SaveRow row);
  /// Records its files as they are now: from here on it can be used.
  Task<Result<store::SaveRow>> finish(std::string id, Durable durable);
  /// Until it can be used. `unavailable` when it never will.
  Task<Result<>> wait_finished(std::string id);
  /// `corrupt` when a file is missing or is not what it was, `unsupported` when another build of the VMM saved it.
  Result<> check(const store::SaveRow& row, std::string_view build_key) const;
  /// Removes it, whoever uses it.
  Task<Result<>> drop(std::string id);

  /// A machine runs on it, or will. Counted.
  void use(const std::string& id);
  /// The opposite: the last one takes what has no other purpose along.
  void release(const std::string& id);
  /// Drops what nobody uses and that has no purpose of its own: after a daemon start, when all users are known.
  void sweep();
  bool in_use(const std::string& id) const { return users_.contains(id); }
  /// A template that is not to be used for new machines; goes with its last user.
  Result<> retire(const std::string& id);
  Result<> touch(const std::string& id);
  /// Replaces the record.
  Result<> update(store::SaveRow row);

 private:
  bool unwanted(const store::SaveRow& row) const;
  static Task<> drop_unwanted(Saves* self, std::string id);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  store::Store& store_;
  std::map<std::string, store::SaveRow, std::less<>> rows_;  ///< by id
  std::set<std::string> dropping_;
  std::map<std::string, int> users_;  ///< by id; no entry for zero
  host::Event changed_;               ///< one was finished or removed
};

}  // namespace banger::engine
