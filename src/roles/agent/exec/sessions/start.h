// Starts a session, with a keeper of its own.
#pragma once

#include "link/session_spec.h"
#include "roles/agent/context.h"
#include "roles/agent/exec/sessions/record.h"

namespace banger::roles::agent {

/// Completes when the command runs. When it cannot run, the session is kept with the reason, and the error has the
/// reason too. `exists`, `exhausted` or `invalid` for a session that is not even tried.
Task<Result<SessionRecord>> launch_session(ContextPtr context, link::SessionSpec spec);

}  // namespace banger::roles::agent
