// The command line role: `banger …`. Calls the daemon. Owns nothing that outlives this process.
#pragma once

namespace banger::roles::cli {

/// Runs one command line. Returns the exit status of the process (see exit_status in command.h).
int run(int argc, char** argv);

}  // namespace banger::roles::cli
