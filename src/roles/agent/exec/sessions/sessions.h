// The sessions of a guest: a directory with one directory for each session. Files only. Each session has a keeper
// (keeper.h), so it outlives the agent.
//
//   ID/meta.json   the record (record.h)
//   ID/spec.json   what the keeper starts, with its variables; the keeper removes the file
//   ID/lock        locked (flock(2)) while the session's keeper lives
//   ID/socket      the keeper listens there
//   ID/log.N       the log (log.h)
//
// All have mode 0600 in directories of mode 0700, and are root's.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "roles/agent/exec/sessions/record.h"

namespace banger::roles::agent {

class Sessions {
 public:
  explicit Sessions(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_of(const std::string& id) const { return directory_ + "/" + id; }

  /// All sessions, the oldest first. A session whose keeper has ended without a word is `lost`.
  std::vector<SessionRecord> list() const;
  /// The session with that id or name. Of several with a name, the live one, otherwise the latest. `not_found` suggests
  /// the most similar name.
  Result<SessionRecord> get(const std::string& id_or_name) const;

  struct New {
    SessionRecord record;
    UniqueFd lock;  ///< for the keeper
  };
  /// Makes the directory of a new session, and removes the oldest ended sessions over the limits. `exists` when a live
  /// session has the name, `exhausted` when there are limits::kSessions live ones.
  Result<New> add(const link::SessionSpec& spec) const;
  /// Removes an ended session. `busy` while the session lives.
  Result<> remove(const SessionRecord& record) const;

 private:
  void prune(std::vector<SessionRecord> ended) const;
  std::string directory_;
};

/// What the keeper is to start, and removes from the disk.
Result<link::SessionSpec> take_spec(const std::string& directory);

}  // namespace banger::roles::agent
