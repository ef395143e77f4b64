// The agent's long-lived part: the shared context and the link server on one channel.
#pragma once

#include "base/unique_fd.h"
#include "roles/agent/context.h"

namespace banger::roles::agent {

/// Loads the run directory's config. Fails when the host left no usable token.
Result<ContextPtr> make_context(host::Runtime& runtime, Options options);

/// Serves one channel until it fails for good.
Task<Result<>> serve_channel(ContextPtr context, UniqueFd channel);

/// Finds the port and serves it for ever; comes back only when the port never shows up.
Task<Result<>> serve_port(ContextPtr context);

}  // namespace banger::roles::agent
