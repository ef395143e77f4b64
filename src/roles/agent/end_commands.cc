#include "roles/agent/end_commands.h"

#include <fmt/format.h>
#include <signal.h>
#include <time.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/process_group.h"

namespace banger::roles::agent {

namespace {

/// Each thread has its own list (proc(5), /proc/PID/task/TID/children).
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  std::filesystem::directory_iterator thread(fmt::format("/proc/{}/task", parent), error);
  for (std::filesystem::directory_iterator end; !error && thread != end; thread.increment(error)) {
    auto text = host::read_file(thread->path().string() + "/children", limits::kProcFileBytes).value_or("");
    for (std::string_view word : split(trim(text), ' ')) {
      pid_t pid = 0;
      std::from_chars(word.data(), word.data() + word.size(), pid);
      if (pid > 1) children.push_back(pid);
    }
  }
  return children;
}

}  // namespace

Result<> end_commands(const RunDir& run_dir) {
  auto agent = TRY(run_dir.agent_pid());
  // The clients learn from this mark why their commands ended.
  (void)run_dir.mark_ending();
  auto deadline = std::chrono::steady_clock::now() + limits::kEndCommandsDeadline;
  // Interactive shells ignore SIGTERM, and servers often take SIGHUP for "read your files again". A stopped process
  // gets either only when it runs.
  for (pid_t leader : children_of(agent))
    for (int number : {SIGHUP, SIGTERM, SIGCONT}) signal_group(leader, number);
  while (!children_of(agent).empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(limits::kEndCommandsPoll);
  return {};
}

}  // namespace banger::roles::agent
