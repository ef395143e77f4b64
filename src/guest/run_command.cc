#include "guest/run_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "base/text.h"
#include "guest/bounds.h"
#include "host/child.h"

namespace banger::guest {

namespace {

std::vector<std::string> as_envp(std::map<std::string, std::string> environment) {
  environment.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  environment.try_emplace("HOME", "/root");
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
  return lines;
}

}  // namespace

Result<> run_command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) {
  std::string named = fmt::format("'{}'", join(argv, " "));
  auto child = TRY(in(named, host::spawn({.argv = argv,
                                          .env = as_envp(environment),
                                          .cwd = "/",
                                          .stdout_fd = STDERR_FILENO,
                                          .stderr_fd = STDERR_FILENO,
                                          .default_oom_score = true})));
  struct pollfd ended{.fd = child.pidfd(), .events = POLLIN, .revents = 0};
  int left = static_cast<int>(std::chrono::milliseconds(limits::kRunOnceDeadline).count());
  // A signal restarts the wait. Nothing sends signals to this process.
  int ready = 0;
  while ((ready = ::poll(&ended, 1, left)) < 0 && errno == EINTR) {
  }
  if (ready == 0)
    return fail(ErrorCode::timeout,
                fmt::format("{} did not end within {}", named, format_duration(limits::kRunOnceDeadline)));
  auto status = child.wait();
  if (status.signal)
    return fail(ErrorCode::unavailable, fmt::format("{} was killed by signal {}", named, status.signal));
  if (status.code) return fail(ErrorCode::unavailable, fmt::format("{} failed with exit code {}", named, status.code));
  return {};
}

}  // namespace banger::guest
