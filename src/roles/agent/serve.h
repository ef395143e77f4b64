// The agent's long-lived part: the shared context and the link server on one channel.
#pragma once

#include "base/unique_fd.h"
#include "roles/agent/context.h"

namespace banger::roles::agent {

/// Loads the run directory's config. Fails when the host left no usable token.
Result<ContextPtr> make_context(host::Runtime& runtime, Options options);

/// Serves one channel until it fails for good.
Task<Result<>> serve_channel(ContextPtr context, UniqueFd channel);

/// Serves the connections to `listener`, one at a time. A new connection ends the one before, which the host no longer
/// uses. Returns only when the agent can no longer listen.
Task<Result<>> serve_listener(ContextPtr context, UniqueFd listener);

/// Finds the channel and serves it for ever. Returns only when no channel appears.
Task<Result<>> serve_found(ContextPtr context);

}  // namespace banger::roles::agent
