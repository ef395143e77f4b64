// The root helper's role: `bangerd-root`. docs/privileges.md describes whom it serves, what it does and what it
// refuses.
#pragma once

namespace banger::roles::helper {

/// Serves until SIGTERM. Refuses to run as another user than root, and refuses to run setuid.
int run(int argc, char** argv);

}  // namespace banger::roles::helper
