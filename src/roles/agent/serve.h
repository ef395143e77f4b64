// The agent's long-lived part: the shared context and the link server on one channel.
#pragma once

#include "base/unique_fd.h"
#include "roles/agent/context.h"

namespace banger::roles::agent {

/// Loads the run directory's config. Fails when the host left no usable token.
Result<ContextPtr> make_context(host::Runtime& runtime, Options options);

/// Serves one channel until it fails for good.
Task<Result<>> serve_channel(ContextPtr context, UniqueFd channel);

/// Serves the connections that `listener` gets, one at a time: a new one ends the one before, whose host has gone or
/// has forgotten it. Comes back only when it cannot listen any more.
Task<Result<>> serve_listener(ContextPtr context, UniqueFd listener);

/// Finds the channel and serves it for ever; comes back only when none ever shows up.
Task<Result<>> serve_found(ContextPtr context);

}  // namespace banger::roles::agent
