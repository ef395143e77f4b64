#include "host/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/text.h"
#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

// Everything that the child needs. Prepared before vfork, so that the child makes only system calls: it shares our
// memory.
struct Prepared {
  std::string program;
  std::vector<char*> argv, envp;
  int null_fd;
  pid_t parent;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (const auto& text : strings) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

std::string_view path_of(const std::vector<std::string>& env) {
  for (std::string_view entry : env)
    if (entry.starts_with("PATH=")) return entry.substr(5);
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

void reset_signals() {
  // A program of a daemon that ignores SIGXFSZ gets an error for a file that is too large, and lives on.
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGXFSZ) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Above all targets, so that no dup2 overwrites a source.
int lowest_free_of_targets(const SpawnSpec& spec) {
  int top = 3;
  for (auto [ours, theirs] : spec.extra_fds) top = std::max(top, theirs + 1);
  return top;
}

// Moves every wanted descriptor above all targets first.
int place_fds(const SpawnSpec& spec, int null_fd) {
  int top = lowest_free_of_targets(spec);
  int sources[3] = {spec.stdin_fd, spec.stdout_fd, spec.stderr_fd};
  for (int& fd : sources) {
    fd = ::fcntl(fd < 0 ? null_fd : fd, F_DUPFD_CLOEXEC, top);
    if (fd < 0) return errno;
  }
  int extra[limits::kSpawnFds];
  std::size_t count = spec.extra_fds.size();
  for (std::size_t i = 0; i < count; ++i)
    if ((extra[i] = ::fcntl(spec.extra_fds[i].first, F_DUPFD_CLOEXEC, top)) < 0) return errno;
  for (int i = 0; i < 3; ++i)
    if (::dup2(sources[i], i) < 0) return errno;
  // Everything else is closed on exec. The descriptors that are placed next are not.
  ::syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  for (std::size_t i = 0; i < count; ++i)
    if (::dup2(extra[i], spec.extra_fds[i].second) < 0) return errno;
  return 0;
}

// Only the child's own score changes, because the kernel distinguishes a child of vfork from a thread. Without /proc
// the child keeps the parent's score.
void take_default_oom_score() {
  int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!::write(file, "0", 1);
  ::close(file);
}

// A limit that the kernel refuses stays as it is, because fs.nr_open may be lower.
void set_limits(const SpawnSpec& spec) {
  for (const auto& limit : spec.limits) {
    rlimit value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    (void)::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value);
  }
}

// Raw system calls: the libc wrappers would try to change every thread of the parent.
int drop_ids(const SpawnSpec& spec) {
  if (!spec.uid) return 0;
  if (::syscall(SYS_setgroups, spec.groups.size(), spec.groups.data()) < 0) return errno;
  gid_t gid = spec.gid.value_or(0);
  if (::syscall(SYS_setresgid, gid, gid, gid) < 0) return errno;
  if (::syscall(SYS_setresuid, *spec.uid, *spec.uid, *spec.uid) < 0) return errno;
  return 0;
}

// After drop_ids, because a change of user clears the signal. The parent may have died before the signal was set.
int bind_life(const SpawnSpec& spec, pid_t parent) {
  if (spec.cpu_seconds) {
    rlimit limit{.rlim_cur = spec.cpu_seconds, .rlim_max = spec.cpu_seconds};
    if (::setrlimit(RLIMIT_CPU, &limit) < 0) return errno;
  }
  if (!spec.dies_with_starter) return 0;
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return errno;
  return ::getppid() == parent ? 0 : ESRCH;
}

// The exec takes away the capabilities of a user other than root. Root must give them up itself.
int enter(const Namespaces& namespaces) {
  if (::syscall(SYS_setns, namespaces.user.get(), CLONE_NEWUSER) < 0) return errno;
  if (::syscall(SYS_setns, namespaces.network.get(), CLONE_NEWNET) < 0) return errno;
  constexpr unsigned long kNoRoot = 1 << 0 | 1 << 1;  // SECBIT_NOROOT and its lock
  return ::prctl(PR_SET_SECUREBITS, kNoRoot, 0, 0, 0) < 0 ? errno : 0;
}

// Root's programs get all capabilities at their exec, except under no-new-privileges: then no more than the process
// has.
int limit_capabilities(std::uint64_t keep) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  if (::syscall(SYS_capget, &header, sets) < 0) return errno;
  for (auto& half : sets) {
    auto kept = static_cast<std::uint32_t>(keep);
    half = {.effective = half.effective & kept, .permitted = half.permitted & kept, .inheritable = 0};
    keep >>= 32;
  }
  return ::syscall(SYS_capset, &header, sets) < 0 ? errno : 0;
}

// Last, because the rules may forbid what other steps do.
int confine(const SpawnSpec& spec, int rules) {
  if (spec.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return errno;
  if (spec.capabilities)
    if (int error = limit_capabilities(*spec.capabilities)) return error;
  if (rules >= 0 && ::syscall(SYS_landlock_restrict_self, rules, 0) < 0) return errno;
  if (spec.system_calls.empty()) return 0;
  sock_fprog filter{static_cast<unsigned short>(spec.system_calls.size()),
                    const_cast<sock_filter*>(spec.system_calls.data())};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 && errno != EINVAL) return errno;
  return 0;
}

int run_child(const SpawnSpec& spec, const Prepared& prepared) {
  reset_signals();
  if (spec.new_session) ::setsid();
  int rules = spec.landlock_fd;
  if (rules >= 0 && (rules = ::fcntl(rules, F_DUPFD_CLOEXEC, lowest_free_of_targets(spec))) < 0) return errno;
  if (int error = place_fds(spec, prepared.null_fd)) return error;
  if (spec.controlling_tty && ::ioctl(0, TIOCSCTTY, 0) < 0) return errno;
  if (spec.default_oom_score)
    take_default_oom_score();  // before setuid, after which the process cannot write to its /proc
  set_limits(spec);
  if (int error = drop_ids(spec)) return error;
  if (spec.namespaces)
    if (int error = enter(*spec.namespaces)) return error;
  if (int error = bind_life(spec, prepared.parent)) return error;
  if (spec.small_pages) (void)::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  if (spec.readable_by_owner)
    (void)::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // fails without Yama, where nothing is forbidden
  if (!spec.cwd.empty() && ::chdir(spec.cwd.c_str()) < 0)
    return -errno;  // negative: the directory failed, not the program
  if (int error = confine(spec, rules)) return error;
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  return errno;
}

// What the child of a vfork does. `error` belongs to the parent, which waits meanwhile.
struct Birth {
  const SpawnSpec& spec;
  const Prepared& prepared;
  volatile int error = 0;
};

[[noreturn]] void be_child(Birth& birth) {
  birth.error = run_child(birth.spec, birth.prepared);
  ::_exit(127);
}

// As vfork(2), but the child begins in another cgroup (clone3(2), CLONE_INTO_CGROUP), which costs far less than a move.
// glibc has no wrapper. The child uses the stack below this frame and never returns, so the frame stays as it is. The
// function must not be inlined: the child may not change what a caller keeps in its frame.
[[gnu::noinline]] pid_t vfork_into_cgroup(Birth& birth) {
#ifdef __x86_64__
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(birth.spec.cgroup_fd);
  long result = 0;
  asm volatile("syscall" : "=a"(result) : "a"(SYS_clone3), "D"(&args), "S"(sizeof args) : "rcx", "r11", "memory");
  if (result == 0) be_child(birth);
  return result < 0 ? -1 : static_cast<pid_t>(result);
#else
  (void)birth;
  return -1;
#endif
}

pid_t start_child(Birth& birth) {
  if (birth.spec.cgroup_fd >= 0)
    if (pid_t pid = vfork_into_cgroup(birth); pid > 0) return pid;
  pid_t pid = ::vfork();
  if (pid == 0) be_child(birth);
  return pid;
}

}  // namespace

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), status_(std::exchange(other.status_, {})) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    Child old(std::move(*this));
    pid_ = std::exchange(other.pid_, 0);
    pidfd_ = std::move(other.pidfd_);
    status_ = std::exchange(other.status_, {});
  }
  return *this;
}

Child::~Child() {
  if (!pidfd_ || status_) return;
  (void)signal(SIGKILL);
  wait();
}

Result<> Child::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) < 0)
    return fail_errno(fmt::format("signal process {}", pid_));
  return {};
}

namespace {
std::optional<ExitStatus> reap(int pidfd, int options) {
  siginfo_t info{};
  int rc;
  do rc = ::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(pidfd), &info, WEXITED | options);
  while (rc < 0 && errno == EINTR);
  if (rc < 0) return ExitStatus{.code = 255};
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return ExitStatus{.code = info.si_status};
  return ExitStatus{.signal = info.si_status};
}
}  // namespace

std::optional<ExitStatus> Child::poll() {
  if (!status_) status_ = reap(pidfd_.get(), WNOHANG);
  return status_;
}

ExitStatus Child::wait() {
  if (!status_) status_ = reap(pidfd_.get(), 0);
  return *status_;
}

UniqueFd Child::release() {
  pid_ = 0;
  return std::move(pidfd_);
}

namespace {
// Without a pidfd the child cannot be held, so it must not live.
Result<UniqueFd> pidfd_of(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd) return pidfd;
  int error = errno;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return fail_errno("pidfd_open", error);
}
}  // namespace

Result<Child> spawn(const SpawnSpec& spec) {
  if (spec.argv.empty()) return fail(ErrorCode::invalid, "nothing to run: empty command");
  if (spec.extra_fds.size() > limits::kSpawnFds)
    return fail(ErrorCode::invalid, fmt::format("{}: too many descriptors", spec.argv[0]));
  for (auto [ours, theirs] : spec.extra_fds)
    if (theirs < 3)
      return fail(ErrorCode::invalid, fmt::format("{}: descriptor {} is not an extra one", spec.argv[0], theirs));
  auto program = find_program(spec.argv[0], path_of(spec.env));
  if (!program) return fail_errno(spec.argv[0], ENOENT);
  UniqueFd null_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_fd) return fail_errno("open /dev/null");
  Prepared prepared{*program, pointers(spec.argv), pointers(spec.env), null_fd.get(), ::getpid()};

  // No signal handler may run in the child while it shares our memory.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  Birth birth{spec, prepared};
  pid_t pid = start_child(birth);
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  if (pid < 0) return fail_errno(fmt::format("start {}", spec.argv[0]), fork_error);
  if (int error = birth.error) {
    ::waitpid(pid, nullptr, 0);
    return error < 0 ? fail_errno(spec.cwd, -error) : fail_errno(spec.argv[0], error);
  }
  return Child(pid, TRY(pidfd_of(pid)));
}

Result<Child> fork_to(const std::function<int()>& work) {
  pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) {
    ::setpgid(0, 0);
    ::_exit(work());
  }
  ::setpgid(pid, pid);  // in the parent too, so that it holds whichever process runs first
  return Child(pid, TRY(pidfd_of(pid)));
}

std::optional<std::string> find_program(std::string_view program, std::string_view path) {
  if (program.empty()) return std::nullopt;
  if (program.find('/') != program.npos) return std::string(program);
  std::optional<std::string> found_but_not_executable;
  for (std::string_view dir : split(path, ':')) {
    if (dir.empty()) continue;
    std::string candidate = fmt::format("{}/{}", dir, program);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (::access(candidate.c_str(), F_OK) == 0) found_but_not_executable = candidate;
  }
  return found_but_not_executable;
}

Result<ProcessId> process_id(pid_t pid) {
  auto stat = TRY(in(fmt::format("process {}", pid), read_file(fmt::format("/proc/{}/stat", pid), 4096)));
  // The command name (field 2) may contain any character, so fields are counted from the last ')'.
  auto after_name = stat.rfind(')');
  if (after_name == stat.npos) return fail(ErrorCode::internal, "unexpected format of /proc/PID/stat");
  auto fields = split(std::string_view(stat).substr(after_name + 2), ' ');
  ProcessId id{pid, 0};
  if (fields.size() < 20) return fail(ErrorCode::internal, "unexpected format of /proc/PID/stat");
  if (fields[0] == "Z" || fields[0] == "X") return fail(ErrorCode::not_found, fmt::format("process {} has ended", pid));
  std::from_chars(fields[19].data(), fields[19].data() + fields[19].size(), id.start_time);
  return id;
}

Result<UniqueFd> open_process(const ProcessId& id) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!pidfd) return fail_errno(fmt::format("process {}", id.pid));
  // Check after opening: from here on the pidfd names the same process, even if the number is reused.
  if (TRY(process_id(id.pid)) != id)
    return fail(ErrorCode::not_found, fmt::format("process {} is another one now", id.pid));
  return pidfd;
}

Result<std::vector<std::string>> process_argv(pid_t pid) {
  auto text = TRY(read_file(fmt::format("/proc/{}/cmdline", pid), limits::kProcessArgumentsBytes));
  // An ended process that was not reaped has no arguments any more.
  if (text.empty()) return fail(ErrorCode::not_found, fmt::format("process {} has no arguments", pid));
  std::vector<std::string> argv;
  if (text.ends_with('\0')) text.pop_back();
  for (auto part : split(text, '\0')) argv.emplace_back(part);
  return argv;
}

}  // namespace banger::host
