#include "roles/cli/cli.h"

#include <signal.h>
#include <unistd.h>

#include "base/text.h"
#include "roles/cli/run.h"

extern char** environ;

namespace banger::roles::cli {

namespace {

// The file of this program. After an upgrade, the path leads to the newer file.
std::string own_program() {
  constexpr std::string_view kDeleted = " (deleted)";  // proc(5)
  char path[4096];
  auto length = ::readlink("/proc/self/exe", path, sizeof path);
  std::string program(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  if (program.ends_with(kDeleted)) program.resize(program.size() - kDeleted.size());
  return program;
}

}  // namespace

int run(int argc, char** argv) {
  // A write to a closed pipe must return an error, and must not end this process.
  ::signal(SIGPIPE, SIG_IGN);
  Io io{.env = host::process_env(), .environment = {}, .daemon_command = {own_program(), "bangerd"}};
  for (char** entry = environ; *entry; ++entry) io.environment.emplace_back(*entry);
  return run_line(io, std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}

}  // namespace banger::roles::cli
