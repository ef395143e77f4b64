// The client's end of `vm.exec`. It moves bytes between the standard streams and frames, and forwards signals and
// window sizes. It never blocks on one side while the other side has bytes. guest_command.cc connects to the daemon and
// sets the terminal's mode.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "link/bounds.h"
#include "link/exec_spec.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

/// All descriptors are borrowed.
struct ExecStreams {
  int socket = -1;               ///< carries frames; run_exec() makes it non-blocking
  std::string first_bytes = {};  ///< already read from `socket`
  int in = -1;                   ///< -1: the command's standard input is empty
  int out = -1, err = -1;
  int signal_fd = -1;  ///< signalfd_siginfo records of SIGINT, SIGTERM, SIGHUP
  int resize_fd = -1;  ///< signalfd_siginfo records of SIGWINCH; -1 without a terminal
  int terminal = -1;   ///< its size is sent to the guest
  /// Called when the command runs, before input is read. run_exec() returns its error.
  std::function<Result<>()> on_started = {};
};

/// How long the guest may take to answer.
struct ExecDeadlines {
  std::chrono::milliseconds start = limits::kLinkRequestDeadline;  ///< until the command runs
  std::chrono::milliseconds signal = limits::kSignalDeadline;      ///< until the guest confirms a signal
};

struct ExecResult {
  int status = 0;            ///< the exit status as in a shell
  std::string message = {};  ///< why the command did not run, or why the wait for it ended; for the user
  bool gave_up = false;      ///< the wait ended, and the command may still run
  int forwarded = 0;         ///< the last signal that was sent to the command, or 0
  bool ending = false;       ///< the end of the guest ended the command
  bool detached = false;     ///< the user has left the session
};

/// Runs until the command ends. Returns earlier, with 128 plus the number of a signal,
/// - after a signal before the command runs,
/// - after a second SIGINT or SIGTERM within two seconds,
/// - when the guest does not confirm a signal in time (a command may ignore the signal),
/// - when the command runs longer than that time after SIGHUP.
/// Returns 141 when the reader of standard output has closed it. The caller then closes the socket, and this ends the
/// command.
///
/// Errors: `timeout` when the guest does not start the command in time, and `unavailable` when the connection breaks
/// first. `corrupt` for bytes that are not frames. Errors of the standard streams are returned too.
Result<ExecResult> run_exec(const ExecStreams& streams, const link::ExecSpec& spec,
                            const ExecDeadlines& deadlines = {});

struct AttachOptions {
  std::string detach_keys;      ///< the bytes of the keys (detach_keys.h); empty: none
  bool terminal_input = false;  ///< the end of the input, as a user types it, leaves the session
};

/// The same for a session (stdio_mux_v1). Runs until the session ends, or until the user types the detach keys. A
/// signal ends only this client, with 128 plus its number. The end of the input is not sent. Where bytes are missing in
/// the log, standard error gets a line.
Result<ExecResult> run_attached(const ExecStreams& streams, const AttachOptions& options);

}  // namespace banger::roles::cli
