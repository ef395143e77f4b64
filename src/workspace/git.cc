#include "workspace/git.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "host/child.h"
#include "host/files.h"
#include "workspace/bounds.h"

namespace banger::workspace {

namespace {

// Files in memory, because a pipe that nobody reads would fill up.
Result<UniqueFd> memory_file(std::string_view content = {}) {
  UniqueFd file(::memfd_create("git", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create");
  TRY(host::write_all(file.get(), content));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::uint64_t size_of(int file) {
  struct stat info{};
  return ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0;
}

Result<std::string> content_of(const UniqueFd& file, std::size_t most) {
  std::string text(std::min<std::size_t>(size_of(file.get()), most), '\0');
  for (std::size_t at = 0; at < text.size();) {
    auto count = ::pread(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (count <= 0) return fail_errno("read the output of git");
    at += static_cast<std::size_t>(count);
  }
  return text;
}

// git's own words about a failure: its last line that says something.
std::string cause_of(std::string_view err) {
  std::string cause;
  for (auto line : split(err, '\n')) {
    line = trim(line);
    if (!line.empty() && !line.starts_with("hint:")) cause = line;
  }
  for (std::string_view prefix : {"fatal: ", "error: "})
    if (cause.starts_with(prefix)) cause.erase(0, prefix.size());
  return printable(cause, 300);
}

// What git prints when an allocation or a mapping fails (its wrapper.c and mmap.c; not translated, because of LC_ALL).
bool lacks_memory(std::string_view err) {
  for (std::string_view words : {"ut of memory", "mmap failed", "Cannot allocate memory", "data too large to fit"})
    if (err.contains(words)) return true;
  return false;
}

}  // namespace

Result<Git> Git::find(const host::GetEnv& env, std::vector<std::string> variables, std::string directory,
                      const StopFlag* stop) {
  auto path = env("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  auto program = host::find_program("git", path);
  if (!program) return fail(ErrorCode::unavailable, "this host has no git", "install the package git");
  // GIT_ALLOW_PROTOCOL stops a partial clone from fetching what it lacks.
  for (const char* fixed : {"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1",
                            "GIT_ALLOW_PROTOCOL=none", "GIT_ASKPASS=false", "LC_ALL=C", "GIT_PAGER=cat"})
    variables.emplace_back(fixed);
  variables.push_back("PATH=" + path);
  return Git(std::move(*program), std::move(variables), std::move(directory), stop);
}

Result<Git> Git::of_user(const host::GetEnv& env, std::string directory, const StopFlag* stop) {
  std::vector<std::string> variables;
  for (const char* name : {"HOME", "XDG_CONFIG_HOME"})
    if (auto value = env(name)) variables.push_back(fmt::format("{}={}", name, *value));
  return find(env, std::move(variables), std::move(directory), stop);
}

Result<Git> Git::isolated(const host::GetEnv& env, std::string git_directory, const StopFlag* stop) {
  return find(env,
              {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "HOME=/nonexistent",
               "GIT_DIR=" + git_directory},
              git_directory, stop);
}

Result<Git> Git::of_guest(const host::GetEnv& env, std::string git_directory, std::uint64_t memory_bytes,
                          const StopFlag* stop) {
  auto git = TRY(isolated(env, std::move(git_directory), stop));
  git.memory_bytes_ = memory_bytes;
  return git;
}

std::vector<std::string> Git::argv_of(const std::vector<std::string>& args) const {
  std::vector<std::string> argv = {program_, "--no-pager",
                                   "-c",     "core.fsmonitor=false",
                                   "-c",     "core.hooksPath=/dev/null",
                                   "-c",     "core.quotePath=false",
                                   "-c",     "gc.auto=0",
                                   "-c",     "maintenance.auto=false"};
  // Maps of whole packs, and each thread's heap, would count as memory.
  if (memory_bytes_)
    argv.insert(argv.end(), {"-c", "core.packedGitWindowSize=16m", "-c", "core.packedGitLimit=64m", "-c",
                             "pack.threads=1", "-c", "core.deltaBaseCacheLimit=64m", "-c", "core.preloadIndex=false",
                             // Objects of a private repository live for seconds.
                             "-c", "core.looseCompression=0"});
  argv.insert(argv.end(), args.begin(), args.end());
  return argv;
}

Result<Git::Ended> Git::end_of(const std::vector<std::string>& args, const GitRun& how) const {
  auto in = TRY(memory_file(how.input)), out = TRY(memory_file()), err = TRY(memory_file());
  host::SpawnSpec spec{.argv = argv_of(args), .env = env_, .cwd = directory_};
  if (memory_bytes_) spec.limits.push_back({RLIMIT_AS, memory_bytes_, memory_bytes_});
  spec.env.insert(spec.env.end(), how.env.begin(), how.env.end());
  // Ctrl-C does not reach git, and git has no terminal to ask on.
  spec.new_session = true;
  spec.dies_with_starter = !how.to_its_end;
  spec.stdin_fd = how.in_fd >= 0 ? how.in_fd : in.get();
  spec.stdout_fd = how.out_fd >= 0 ? how.out_fd : out.get();
  spec.stderr_fd = err.get();
  std::uint64_t most = how.out_fd < 0 ? limits::kGitOutputBytes : how.out_bytes ? how.out_bytes : UINT64_MAX;
  auto child = TRY(host::spawn(spec));
  auto deadline = std::chrono::steady_clock::now() + limits::kGitDeadline;
  auto end = [&](ErrorCode code, std::string why) -> Result<Ended> {
    (void)child.signal(SIGKILL);
    child.wait();
    return fail(code, std::move(why));
  };
  for (pollfd ended{child.pidfd(), POLLIN, 0}; !child.poll();) {
    if (::poll(&ended, 1, static_cast<int>(limits::kGitTick.count())) < 0 && errno != EINTR) return fail_errno("poll");
    if (stop_ && *stop_) return end(ErrorCode::cancelled, "interrupted");
    if (size_of(spec.stdout_fd) > most) return end(ErrorCode::exhausted, "git printed too much");
    if (std::chrono::steady_clock::now() > deadline)
      return end(ErrorCode::timeout, fmt::format("git did not end within {}", format_duration(limits::kGitDeadline)));
  }
  auto status = child.wait();
  if (stop_ && *stop_) return fail(ErrorCode::cancelled, "interrupted");
  if (size_of(spec.stdout_fd) > most) return fail(ErrorCode::exhausted, "git printed too much");
  Ended ended{status.shell_code(), TRY(content_of(out, limits::kGitOutputBytes)),
              TRY(content_of(err, limits::kGitErrorBytes))};
  if (memory_bytes_ && ended.status != 0 && lacks_memory(ended.err))
    return fail(ErrorCode::exhausted,
                fmt::format("git needs more than {} of memory for an object", format_size(memory_bytes_)),
                "a file is too large for a patch; leave it out with --path, or copy it with 'banger vm cp'");
  return ended;
}

Result<std::string> Git::run(const std::vector<std::string>& args, const GitRun& how) const {
  auto ended = TRY(end_of(args, how));
  if (ended.status == 0) return std::move(ended.out);
  auto cause = cause_of(ended.err);
  return fail(ErrorCode::invalid, fmt::format("git {} failed: {}", args.front(),
                                              cause.empty() ? fmt::format("status {}", ended.status) : cause));
}

Result<std::string> Git::line(const std::vector<std::string>& args) const {
  auto ended = TRY(end_of(args, {}));
  if (ended.status != 0) return std::string();
  if (ended.out.ends_with('\n')) ended.out.pop_back();
  return std::move(ended.out);
}

std::vector<std::string_view> records_of(std::string_view output) {
  if (output.ends_with('\0')) output.remove_suffix(1);
  if (output.empty()) return {};
  return split(output, '\0');
}

}  // namespace banger::workspace
