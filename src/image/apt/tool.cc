#include "image/apt/tool.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "host/paths.h"
#include "image/bounds.h"

namespace banger::image {

namespace {

using namespace std::chrono_literals;

/// Output goes to memory files instead of pipes. So nothing blocks, and children that outlive the tool cannot delay its
/// end.
Result<UniqueFd> memory_file(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) return fail_errno("memfd_create");
  return fd;
}

/// The last max_bytes of a file.
std::string tail_of(int fd, std::size_t max_bytes) {
  struct stat info{};
  if (::fstat(fd, &info) < 0) return {};
  auto size = static_cast<std::size_t>(info.st_size);
  std::string text(std::min(size, max_bytes), '\0');
  ssize_t got = ::pread(fd, text.data(), text.size(), static_cast<off_t>(size - text.size()));
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

Task<> end_group(host::Runtime& runtime, host::Child& child) {
  (void)::kill(-child.pid(), SIGTERM);
  (void)co_await host::wait_readable(runtime, child.pidfd(), host::after(limits::kToolEndGrace));
  // The group may outlive its leader. The pid is not reused before wait().
  (void)::kill(-child.pid(), SIGKILL);
  (void)child.wait();
}

}  // namespace

std::vector<std::string> tool_environment(const std::string& path_variable) {
  auto env = host::process_env();
  std::vector<std::string> result = {fmt::format("PATH={}:/usr/local/sbin:/usr/sbin:/sbin", path_variable),
                                     "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"};
  for (const char* name :
       {"HOME", "USER", "LOGNAME", "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "APT_CONFIG"})
    if (auto value = env(name)) result.push_back(fmt::format("{}={}", name, *value));
  return result;
}

Task<Result<host::Output>> run_tool(host::Runtime& runtime, ToolRun run, host::Cancel& cancel) {
  auto out = CO_TRY(memory_file("stdout"));
  auto err = CO_TRY(memory_file("stderr"));
  bool collect = run.spec.stdout_fd < 0;
  if (collect) run.spec.stdout_fd = out.get();
  run.spec.stderr_fd = err.get();
  run.spec.new_session = true;
  CO_TRY(cancel.check());
  auto child = CO_TRY(host::spawn(run.spec));
  for (;;) {
    auto next = std::min(run.deadline, host::after(limits::kToolTick));
    if (CO_TRY(co_await host::wait_readable(runtime, child.pidfd(), next))) break;
    if (run.tick) run.tick(tail_of(err.get(), 64 * limits::kKiB));
    bool late = host::Clock::now() >= run.deadline;
    if (!late && !cancel.requested()) continue;
    co_await end_group(runtime, child);
    CO_TRY(cancel.check());
    co_return fail(ErrorCode::timeout, fmt::format("{} took too long and was ended", run.spec.argv[0]));
  }
  host::Output output;
  output.status = child.wait();
  if (collect) output.out = tail_of(out.get(), limits::kToolOutputBytes);
  output.err = tail_of(err.get(), 64 * limits::kKiB);
  co_return output;
}

std::unexpected<Error> tool_failed(std::string_view what, const host::Output& output) {
  // apt and mmdebstrap prefix errors with "E:". Without such lines, the last line is the best explanation.
  std::string errors, last;
  for (auto line : split(output.err, '\n')) {
    line = trim(line);
    if (line.empty()) continue;
    last = printable(line, 300);
    if (line.starts_with("E:") && errors.size() < 600)
      errors += (errors.empty() ? "" : "; ") + printable(trim(line.substr(2)), 300);
  }
  std::string why = !errors.empty() ? errors : last;
  if (output.status.signal)
    why = fmt::format("ended by signal {}{}{}", output.status.signal, why.empty() ? "" : ": ", why);
  if (why.empty()) why = fmt::format("exit status {}", output.status.code);
  return fail(ErrorCode::unavailable, fmt::format("{}: {}", what, why));
}

}  // namespace banger::image
