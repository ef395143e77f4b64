#include "roles/cli/cli.h"

#include <signal.h>
#include <unistd.h>

#include "host/own_program.h"
#include "roles/cli/run.h"

extern char** environ;

namespace banger::roles::cli {

int run(int argc, char** argv) {
  // A write to a closed pipe must return an error, and must not end this process.
  ::signal(SIGPIPE, SIG_IGN);
  Io io{.env = host::process_env(), .environment = {}, .daemon_command = {host::own_program(), "bangerd"}};
  for (char** entry = environ; *entry; ++entry) io.environment.emplace_back(*entry);
  return run_line(io, std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

}  // namespace banger::roles::cli
