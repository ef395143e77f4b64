// Our end of `vm.exec`: moves bytes between standard streams and frames, forwards signals and window sizes, never
// blocks on one side while the other waits. Knows nothing of the daemon or of terminals' modes.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/bounds.h"
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
  /// The command runs, and input is read from now on. Its error is run_exec()'s.
  std::function<Result<>()> on_started = {};
};

/// For how long a guest may be silent.
struct ExecPatience {
  std::chrono::milliseconds start = limits::kLinkRequestDeadline;  ///< until the command runs
  std::chrono::milliseconds signal = std::chrono::seconds(5);      ///< until it has taken a signal
};

struct ExecResult {
  int status = 0;            ///< as a shell has it
  std::string message = {};  ///< why it never ran or was given up, to be said
};

/// Runs until the command's end. Ends before it with 128 and the signal's number
/// - on a signal while the command does not run yet,
/// - on a second SIGINT or SIGTERM within two seconds,
/// - when the guest does not say that it took one within the patience; a command that ignores it is waited for,
/// - when the command outlives SIGHUP by that time,
/// and with 141 when nobody reads our standard output any more. The caller then closes the socket, which ends the
/// command. Errors: `timeout` when the guest does not start it in time, `unavailable` when the connection breaks first,
/// `corrupt` on bytes that are no frames, and those of our own streams.
Result<ExecResult> run_exec(const ExecStreams& streams, const link::ExecSpec& spec, const ExecPatience& patience = {});

}  // namespace banger::roles::cli
