// The agent's requests: one constant table, one file per group. Every handler answers its stream exactly once and fails
// with a JSON error whose message is a sentence.
#pragma once

#include "link/link.h"
#include "roles/agent/context.h"

namespace banger::roles::agent {

using StreamPtr = std::shared_ptr<link::ServerStream>;
using Route = Task<> (*)(ContextPtr context, StreamPtr stream);

Task<> health(ContextPtr context, StreamPtr stream);         // health.cc
Task<> stats(ContextPtr context, StreamPtr stream);          // stats.cc
Task<> ports(ContextPtr context, StreamPtr stream);          // ports.cc
Task<> listening(ContextPtr context, StreamPtr stream);      // listening.cc
Task<> exec(ContextPtr context, StreamPtr stream);           // exec.cc
Task<> start_session(ContextPtr context, StreamPtr stream);  // exec/sessions/routes.cc
Task<> list_sessions(ContextPtr context, StreamPtr stream);
Task<> show_session(ContextPtr context, StreamPtr stream);
Task<> remove_session(ContextPtr context, StreamPtr stream);
Task<> log_session(ContextPtr context, StreamPtr stream);
Task<> attach_session(ContextPtr context, StreamPtr stream);
Task<> send_session(ContextPtr context, StreamPtr stream);
Task<> signal_session(ContextPtr context, StreamPtr stream);
Task<> resize_session(ContextPtr context, StreamPtr stream);
Task<> stop_session(ContextPtr context, StreamPtr stream);
Task<> put_files(ContextPtr context, StreamPtr stream);  // files.cc
Task<> get_files(ContextPtr context, StreamPtr stream);
Task<> stat_file(ContextPtr context, StreamPtr stream);
Task<> get_image(ContextPtr context, StreamPtr stream);  // image.cc
Task<> tree(ContextPtr context, StreamPtr stream);       // tree.cc
Task<> tunnel(ContextPtr context, StreamPtr stream);     // tunnel.cc
Task<> configure(ContextPtr context, StreamPtr stream);  // configure.cc
Task<> clock(ContextPtr context, StreamPtr stream);      // clock.cc
Task<> hold(ContextPtr context, StreamPtr stream);       // save.cc
Task<> quiesce(ContextPtr context, StreamPtr stream);
Task<> shutdown(ContextPtr context, StreamPtr stream);  // shutdown.cc

/// Finds the handler and runs it. An exception from a handler becomes an error answer and never ends the agent.
Task<> dispatch(ContextPtr context, StreamPtr stream);

}  // namespace banger::roles::agent
