// Our end of `vm.exec`: moves bytes between standard streams and frames, forwards signals and window sizes, never
// blocks on one side while the other waits. Knows nothing of the daemon or of terminals' modes.
#pragma once

#include <string>

#include "base/result.h"
#include "link/exec_frames.h"

namespace banger::roles::cli {

/// All descriptors are borrowed.
struct ExecStreams {
  int socket = -1;               ///< frames; made non-blocking
  std::string first_bytes = {};  ///< already read from it
  int in = -1;                   ///< -1: the command's standard input is empty
  int out = -1, err = -1;
  int signal_fd = -1;  ///< signalfd_siginfo records of SIGINT, SIGTERM, SIGHUP
  int resize_fd = -1;  ///< the same of SIGWINCH; -1 without a terminal
  int terminal = -1;   ///< whose size is sent
};

struct ExecResult {
  int status = 0;            ///< as a shell has it
  std::string message = {};  ///< why it never ran, to be said
};

/// Runs until the command's end. A second SIGINT or SIGTERM within two seconds gives up (130, 143), as does SIGHUP when
/// the command outlives it by five; a closed standard output ends it with 141. The caller then closes the socket, which
/// ends the command. `unavailable` when the connection breaks first, `corrupt` on bytes that are no frames. Other
/// errors are those of our own streams.
Result<ExecResult> run_exec(const ExecStreams& streams, const link::ExecSpec& spec);

}  // namespace banger::roles::cli
