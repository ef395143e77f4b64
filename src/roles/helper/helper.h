// The root helper's role: `bangerd-root`. What it does, for whom and what it refuses: docs/privileges.md.
#pragma once

namespace banger::roles::helper {

/// Serves until SIGTERM. Refuses to run unless root; it is never setuid.
int run(int argc, char** argv);

}  // namespace banger::roles::helper
