// Saved states of machines: templates, suspended VMs, snapshots and the states that forks share. Each saved state is a
// directory. A finished directory never changes, because machines run on its memory file. A saved state without a
// purpose of its own is removed after its last user.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/durable.h"
#include "base/log.h"
#include "host/files.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "machine/machine.h"
#include "store/store.h"

namespace banger::engine {

class SavedStates {
 public:
  using RemoveTree = std::function<Result<>(const std::string& path)>;
  SavedStates(host::Runtime& runtime, const Logger& log, const host::Paths& paths, store::Store& store,
              RemoveTree remove_tree = host::remove_tree)
      : runtime_(runtime),
        log_(log),
        paths_(paths),
        store_(store),
        remove_tree_(std::move(remove_tree)),
        changed_(runtime) {}

  /// Reads the store and removes unfinished saved states. Users call use() afterwards.
  Result<> load();

  std::vector<store::SaveRow> list(store::SaveKind kind) const;
  Result<store::SaveRow> get(std::string_view id) const;

  std::string directory(const std::string& id) const { return paths_.save(id); }
  /// The files for a state that is being saved. A fork may share its parent's memory file, because a fork's saved state
  /// is removed together with its machines.
  machine::SavedState new_state(const store::SaveRow& row) const;
  /// The files from which machines start, after check(). For an unfinished saved state, SavedState::whole waits and
  /// checks later.
  Result<machine::SavedState> state(const store::SaveRow& row, std::string build_key);
  std::string disk(const std::string& id, const char* name) const { return directory(id) + "/" + name; }
  /// Bytes on the host's disk, without a modules disk that has other links.
  std::uint64_t disk_usage(const std::string& id) const;
  /// True for a saved state that is recorded or is being removed at this moment.
  bool owns(const std::string& id) const { return rows_.contains(id) || dropping_.contains(id); }

  /// Records a new saved state under a new id and makes its directory.
  Result<store::SaveRow> begin(store::SaveRow row);
  /// Gives a saved state that is being made the memory and the devices of another one, which is ready. A fork shares
  /// the files, because files of saved states never change. A snapshot gets copies, so that nothing else can damage it.
  Task<Result<>> copy_memory(std::string from, store::SaveRow to);
  /// Records the present files and marks the saved state as ready for use.
  Task<Result<store::SaveRow>> finish(std::string id, Durable durable);
  /// Waits until the saved state is ready. `unavailable` when its save has failed.
  Task<Result<>> wait_finished(std::string id);
  /// `corrupt` when a file is missing or has changed. `unsupported` when another build of the VMM has saved the state.
  Result<> check(const store::SaveRow& row, std::string_view build_key) const;
  /// Removes the saved state, even if it is in use.
  Task<Result<>> drop(std::string id);

  /// Counts a machine that runs on the saved state, or will run on it.
  void use(const std::string& id);
  /// Undoes one use(). After the last user, a saved state without a purpose of its own is removed.
  void release(const std::string& id);
  /// Removes the unused saved states without a purpose of their own for which `which` is true. Call this after a daemon
  /// start, when all users of these states are known.
  void sweep(const std::function<bool(const store::SaveRow& row)>& which);
  bool in_use(const std::string& id) const { return users_.contains(id); }
  /// Excludes a template from new clones. The template is removed after its last user.
  Result<> retire(const std::string& id);
  /// Records a use at this moment, by a clone that started.
  Result<> touch(const std::string& id);
  /// Notes that a clone did not start. Returns whether the clone before that did not start either.
  bool failed_again(const std::string& id) { return !failed_.insert(id).second; }
  /// Replaces the record.
  Result<> update(store::SaveRow row, Durable durable = Durable::yes);

 private:
  bool disposable(const store::SaveRow& row) const;
  static Task<> drop_or_log(SavedStates* self, std::string id);
  Task<Result<>> remove_files(std::string path);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  store::Store& store_;
  const RemoveTree remove_tree_;
  std::map<std::string, store::SaveRow, std::less<>> rows_;  ///< by id
  std::set<std::string> dropping_;
  std::map<std::string, int> users_;  ///< by id; no entry for zero
  std::set<std::string> failed_;      ///< their last clone did not start
  host::Event changed_;               ///< a saved state was finished or removed
};

}  // namespace banger::engine
