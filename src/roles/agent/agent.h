// The guest agent's command line: `serve` beside the image's init, `apply` for one-shot provisioning, `ready` for the
// boot target's unit. PID 1 in the initramfs is another program of this folder (init/).
#pragma once

namespace banger::roles::agent {

/// `argv[1]` is the subcommand. Returns the exit status: 0, 1 on failure (with an error on stderr), 2 on wrong usage.
int run_agent(int argc, char** argv);

}  // namespace banger::roles::agent
