// What the guest knows of one session: a file in the session's directory. It outlives the session, the agent and a
// reboot of the guest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "link/session_spec.h"

namespace banger::roles::agent {

enum class SessionState {
  starting,
  running,
  exited,
  failed,  ///< the command never ran
  lost,    ///< the guest ended first; never written, but found (sessions.h)
};
inline constexpr Word<SessionState> kSessionStateWords[] = {{SessionState::starting, "starting"},
                                                            {SessionState::running, "running"},
                                                            {SessionState::exited, "exited"},
                                                            {SessionState::failed, "failed"},
                                                            {SessionState::lost, "lost"}};

struct SessionRecord {
  std::string id, name;
  std::vector<std::string> argv;  ///< as it was requested; empty: a login shell, or the image's main command
  std::string cwd, user;          ///< as requested; empty: the default
  link::SessionInput input = link::SessionInput::pipe;
  SessionState state = SessionState::starting;
  std::int64_t pid = 0;                       ///< of the command, in the guest; 0 before it runs
  std::int64_t code = 0, signal = 0;          ///< how the command ended
  std::string reason;                         ///< why the session has failed or was lost
  std::int64_t started_ms = 0, ended_ms = 0;  ///< unix time; 0: not yet
  std::uint64_t log_bytes = 0;                ///< upper limit of the log
  bool main = false;                          ///< the image's main command

  bool live() const { return state == SessionState::starting || state == SessionState::running; }
};

SessionRecord new_record(const link::SessionSpec& spec, std::uint64_t log_bytes);
Json to_json(const SessionRecord& record);
Result<SessionRecord> record_from_json(const Json& json);

/// Replaces the file in one step.
Result<> save_record(const std::string& directory, const SessionRecord& record);
Result<SessionRecord> load_record(const std::string& directory);

std::int64_t unix_ms_now();

}  // namespace banger::roles::agent
