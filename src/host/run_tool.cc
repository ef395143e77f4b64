#include "host/run_tool.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "host/bounds.h"
#include "host/child.h"

namespace banger::host {

namespace {

// The output goes to a file in memory, which is read afterwards. A pipe could fill up, because nothing reads it here.
Result<UniqueFd> memory_file() {
  UniqueFd file(::memfd_create("output", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create");
  return file;
}

std::string content_of(const UniqueFd& file) {
  std::string text(limits::kToolStdoutBytes, '\0');
  auto count = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

std::string last_line(const UniqueFd& file) {
  auto text = content_of(file);
  return printable(split(trim(text), '\n').back(), 300);
}

}  // namespace

Result<std::string> run_tool(const std::vector<std::string>& argv, std::chrono::milliseconds deadline) {
  auto out = TRY(memory_file()), err = TRY(memory_file());
  SpawnSpec spec{.argv = argv, .env = {std::string("PATH=") + kSystemPath, "LC_ALL=C"}, .cwd = "/"};
  spec.stdout_fd = out.get();
  spec.stderr_fd = err.get();
  auto child = TRY(spawn(spec));
  pollfd ended{child.pidfd(), POLLIN, 0};
  int ready;
  do ready = ::poll(&ended, 1, static_cast<int>(deadline.count()));
  while (ready < 0 && errno == EINTR);
  if (ready != 1) {
    (void)child.signal(SIGKILL);
    child.wait();
    return fail(ErrorCode::timeout, fmt::format("{} did not end within {}", argv[0], format_duration(deadline)));
  }
  auto status = child.wait();
  if (status.shell_code() != 0)
    return fail(ErrorCode::unavailable,
                fmt::format("{} failed ({}): {}", argv[0], status.shell_code(), last_line(err)));
  return content_of(out);
}

}  // namespace banger::host
