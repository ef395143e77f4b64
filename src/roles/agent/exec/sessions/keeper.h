// The keeper of one session: a process that has the command as its child, and the descriptors of the command. The
// agent's end, and the end of any client, leave the keeper and the session alone.
//
// The keeper writes all output to the log, so the command never waits for a client. Clients read the log
// (sessions.h). The keeper takes frames from connections to its socket: stdin_data, stdin_end, signal and resize. Each
// connection gets a byte when the log has grown, and its end when the session has ended.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace banger::roles::agent {

struct KeeperStart {
  std::string directory;  ///< of the session
  std::string run_dir;    ///< of the agent
  UniqueFd lock;          ///< held until the keeper ends
  UniqueFd cgroup;        ///< of the command; may be empty
  UniqueFd ready;         ///< closed when the command runs, or has failed; the record says which
};

/// Whether the keeper passes SIGTERM and SIGHUP on to its session. An init ends all processes with these signals. In
/// tests the keeper is only a thread.
enum class PassSignals { no, yes };

/// Starts the session of the directory and keeps it to its end. Blocks. Failures are in the record.
void keep_session(KeeperStart start, PassSignals pass);

}  // namespace banger::roles::agent
