// The agent's supervisor. Plain fork and exec start both processes, not host::spawn: the agent must start before the
// supervisor's exec, and must stay its child across that exec.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

const char* const kEnvironment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
                                    nullptr};

std::int64_t now_ms() {
  struct timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

/// When memory runs out, the kernel kills neither the agent nor its supervisor. Processes that the agent starts have
/// the usual score.
void disable_oom_killing() {
  if (auto file = host::open_file("/proc/self/oom_score_adj", O_WRONLY)) (void)host::write_all(file->get(), "-1000");
}

[[noreturn]] void become_agent() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  disable_oom_killing();
  ::setsid();
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), STDIN_FILENO);
  const char* const argv[] = {kAgentFile, "serve", nullptr};
  ::execve(kAgentFile, const_cast<char* const*>(argv), const_cast<char* const*>(kEnvironment));
  say(fail_errno("cannot start the agent").error().sentence());
  ::_exit(127);
}

pid_t fork_agent() {
  pid_t pid = ::fork();
  if (pid == 0) become_agent();
  return pid;
}

[[noreturn]] void become_supervisor() {
  ::setsid();
  auto agent = fmt::format("{}", fork_agent());
  const char* const argv[] = {"init", "supervise", agent.c_str(), nullptr};
  // Run the program in /run. A process that still runs from the initramfs would keep the memory of its program.
  ::execve(kAgentFile, const_cast<char* const*>(argv), const_cast<char* const*>(kEnvironment));
  say(fail_errno("cannot start the agent's supervisor").error().sentence());
  ::_exit(127);
}

sigset_t watched_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, number);
  return signals;
}

/// The next watched signal, or 0 after `wait_ms` (negative: no limit).
int next_signal(const sigset_t& signals, std::int64_t wait_ms) {
  if (wait_ms < 0) return ::sigwaitinfo(&signals, nullptr);
  struct timespec wait{.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1'000'000};
  return std::max(0, ::sigtimedwait(&signals, nullptr, &wait));
}

/// True when SIGTERM arrived before the pause was over.
bool pause_for(const sigset_t& signals, std::int64_t pause_ms) {
  std::int64_t end = now_ms() + pause_ms;
  for (std::int64_t left = pause_ms; left > 0; left = end - now_ms())
    if (next_signal(signals, left) == SIGTERM) return true;
  return false;
}

bool has_ended(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; }

int end(const sigset_t& signals, pid_t agent) {
  ::kill(agent, SIGTERM);
  std::int64_t deadline = now_ms() + limits::kAgentEndGraceMs;
  while (!has_ended(agent) && now_ms() < deadline) next_signal(signals, deadline - now_ms());
  return 0;
}

}  // namespace

Result<> start_agent() {
  pid_t pid = ::fork();
  if (pid < 0) return fail_errno("start the agent");
  if (pid == 0) become_supervisor();
  return {};
}

int supervise(int agent_pid) {
  sigset_t signals = watched_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  disable_oom_killing();
  pid_t agent = agent_pid;
  std::int64_t started = now_ms(), pause = limits::kAgentFirstPauseMs;
  for (;;) {
    // Check before waiting: the agent may have ended before its signal was blocked.
    while (agent > 0 && !has_ended(agent))
      if (next_signal(signals, -1) == SIGTERM) return end(signals, agent);
    pause = now_ms() - started > limits::kAgentHealthyMs ? limits::kAgentFirstPauseMs
                                                         : std::min(pause * 2, limits::kAgentLongestPauseMs);
    say(fmt::format("the agent ended; starting it again in {} ms", pause));
    if (pause_for(signals, pause)) return 0;
    agent = fork_agent();
    started = now_ms();
  }
}

}  // namespace banger::roles::agent::init
