// One running guest command and its exec stream: bytes both ways with backpressure, signals, resizes, the end.
//
// When the end is told: at once when both outputs are at their end. A background process may hold them open; then
// everything that was in the pipes when the command ended is still sent, and whatever follows within a short quiet time
// (limits::kExecQuiet, kExecLinger in all: `cmd > >(tee log)` outlives its shell by a moment), but no longer.
//
// When the client goes away first: SIGHUP to the command's group (and the terminal's foreground group), SIGKILL to what
// is left of them after limits::kExecHangup. Processes that made their own session or, under a terminal, their own job
// group live on, as under sshd.
//
// While the agent is held (POST /hold) nothing is ended: the machine is about to be saved, and in what is made from it
// the command goes on without its client. Its output is read and dropped, its input stays open.
#pragma once

#include "host/child.h"
#include "link/exec_frames.h"
#include "link/link.h"
#include "roles/agent/context.h"
#include "roles/agent/exec/io.h"

namespace banger::roles::agent {

/// Runs the stream from `started` until the end is told, or the client is gone and the command with it. `decoder` may
/// hold frames that came with the spec.
Task<> run_session(ContextPtr context, std::shared_ptr<link::ServerStream> stream, host::Child child, Stdio stdio,
                   link::FrameDecoder decoder);

}  // namespace banger::roles::agent
