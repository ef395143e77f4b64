// One running guest command and its exec stream: bytes both ways with backpressure, signals, resizes, and the end.
//
// The agent sends the command's end as soon as both outputs are at their end. A background process may hold the outputs
// open. Then the agent still sends all bytes that were in the pipes when the command ended. It also sends later output
// until a short silence (limits::kExecQuiet, at most kExecLinger in all), because `cmd > >(tee log)` outlives its shell
// by a moment.
//
// When the client goes away first, the command's group and the terminal's foreground group get SIGHUP. Their remaining
// processes get SIGKILL after limits::kExecHangup. Processes with their own session, or under a terminal with their own
// job group, continue, as under sshd.
//
// While the agent is held (POST /hold), it ends no commands. The machine is about to be saved, and in machines made
// from the save the command continues without its client. The agent reads and drops its output; its input stays open.
#pragma once

#include "host/child.h"
#include "link/exec_frames.h"
#include "link/link.h"
#include "roles/agent/context.h"
#include "roles/agent/exec/io.h"

namespace banger::roles::agent {

/// Runs the stream from `started` until the end is sent, or until both the client and the command are gone. `decoder`
/// may hold frames that came with the spec.
Task<> run_session(ContextPtr context, std::shared_ptr<link::ServerStream> stream, host::Child child, Stdio stdio,
                   link::FrameDecoder decoder);

}  // namespace banger::roles::agent
