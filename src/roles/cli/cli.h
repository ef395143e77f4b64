// The command line role: `banger …`. Talks to the daemon, owns nothing that outlives it.
#pragma once

namespace banger::roles::cli {

/// Runs one command line and gives the process's exit status (see exit_status in command.h).
int run(int argc, char** argv);

}  // namespace banger::roles::cli
