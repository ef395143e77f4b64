#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"
#include "roles/agent/init/boot.h"
#include "support/sandbox.h"

using namespace banger;
using namespace banger::roles::agent::init;

namespace {

constexpr const char* kStarts = "/run/banger/starts";

std::vector<pid_t> starts() {
  auto text = host::read_file(kStarts, 1 << 16).value_or("");
  std::vector<pid_t> pids;
  for (std::string_view line : split(text, '\n'))
    if (!line.empty()) pids.push_back(std::atoi(std::string(line).c_str()));
  return pids;
}

bool until(const std::function<bool()>& condition) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string check_supervisor() {
  ::mkdir("/run/banger", 0700);
  (void)host::write_file(kAgentFile, "#!/bin/sh\necho $$ >> /run/banger/starts\nexec sleep 1000\n", 0755);
  pid_t keeper = ::fork();
  if (keeper == 0) ::_exit(supervise(0));
  if (!until([] { return starts().size() == 1; })) return "the agent was not started";
  ::kill(starts()[0], SIGKILL);
  if (!until([] { return starts().size() == 2; })) return "the agent was not started again";
  pid_t agent = starts()[1];
  ::kill(keeper, SIGTERM);
  int status = -1;
  ::waitpid(keeper, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "the supervisor did not end cleanly";
  if (!until([&] { return ::kill(agent, 0) < 0; })) return "the agent was left behind";
  return starts().size() == 2 ? "" : "the agent was started once more at the end";
}

}  // namespace

TEST_CASE("supervise: a dead agent is started again, and ends with its supervisor") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  CHECK(test::in_sandbox(check_supervisor) == "");
}
