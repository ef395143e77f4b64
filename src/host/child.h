// Starts and owns processes. With UniqueFd, the only place that holds a raw process identity.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "host/namespaces.h"

namespace banger::host {

/// A limit of setrlimit(2): RLIMIT_NOFILE and the like.
struct ResourceLimit {
  int resource;
  std::uint64_t soft, hard;
};

/// How to start a process. Only descriptors named here survive into it; everything else is closed on exec.
struct SpawnSpec {
  std::vector<std::string> argv;                      ///< argv[0] is looked up in PATH of `env` unless it has a '/'
  std::vector<std::string> env;                       ///< KEY=VALUE, the whole environment
  std::string cwd;                                    ///< empty: unchanged
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;  ///< borrowed; -1 is /dev/null
  std::vector<std::pair<int, int>> extra_fds;         ///< {ours, theirs >= 3}, borrowed
  bool new_session = false;                           ///< setsid, so it outlives our terminal
  /// processes of our user may read its memory even under Yama (prctl(2), PR_SET_PTRACER)
  bool readable_by_owner = false;
  /// no transparent huge pages, so the process uses only memory that it touches (prctl(2), PR_SET_THP_DISABLE)
  bool small_pages = false;
  /// killed when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG): start it on the control thread, and not
  /// on the pool
  bool dies_with_starter = false;
  /// directory of a cgroup (version 2) in which the process begins, borrowed; -1: this process's own. If the kernel
  /// refuses the group, the process begins in this process's own.
  int cgroup_fd = -1;
  std::uint32_t cpu_seconds = 0;  ///< killed after this much processor time (setrlimit(2), RLIMIT_CPU); 0: no limit
  const Namespaces* namespaces = nullptr;  ///< the process begins in these, without capabilities; null: in our own
  bool controlling_tty = false;            ///< make stdin_fd the controlling terminal (needs new_session)
  /// the usual chance of being killed when memory runs out, even if this process is spared
  bool default_oom_score = false;
  std::vector<ResourceLimit> limits;  ///< set while the process is root; the others are this process's own
  std::optional<uid_t> uid;           ///< drop to this user (all ids), with `gid` and `groups`
  std::optional<gid_t> gid;
  std::vector<gid_t> groups;
  /// the process and its programs never get more rights, also from programs with the set-uid bit (prctl(2),
  /// PR_SET_NO_NEW_PRIVS)
  bool no_new_privileges = false;
  /// keeps at most these of this process's capabilities; bit N is number N (capabilities(7)). REQUIRES:
  /// no_new_privileges, or a uid other than root's.
  std::optional<std::uint64_t> capabilities;
  int landlock_fd = -1;  ///< rules of landlock.h, borrowed; -1: none. REQUIRES: no_new_privileges
  /// a filter of confine.h; empty: none. A kernel without such filters has none. REQUIRES: no_new_privileges
  std::vector<sock_filter> system_calls;
};

/// Identity of a process that survives pid reuse: pid plus kernel start time (field 22 of /proc/PID/stat).
struct ProcessId {
  pid_t pid = 0;
  unsigned long long start_time = 0;  ///< clock ticks since boot
  bool operator==(const ProcessId&) const = default;
};

struct ExitStatus {
  int code = 0;    ///< exit code, if it exited
  int signal = 0;  ///< signal that killed it, or 0
  /// The exit code of a shell: code, or 128 + signal.
  int shell_code() const { return signal ? 128 + signal : code; }
};

/// One child process, held by a pidfd. Destroying it kills and reaps it unless it was released.
class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  explicit operator bool() const { return bool(pidfd_); }
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }  ///< readable when the process has ended
  Result<> signal(int number) const;

  /// The exit status if it has ended (reaps it), else nullopt.
  std::optional<ExitStatus> poll();
  /// Blocks until it ends.
  ExitStatus wait();
  /// Releases the child, which lives on. The caller owns the pidfd.
  UniqueFd release();

 private:
  friend Result<Child> spawn(const SpawnSpec& spec);
  friend Result<Child> fork_to(const std::function<int()>& work);
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  std::optional<ExitStatus> status_;
};

/// Starts a process (vfork + exec: cheap from a big parent). Errors carry the errno of the exec itself:
/// not_found when the program is missing, denied when it is not executable.
Result<Child> spawn(const SpawnSpec& spec);

/// Runs `work` in a copy of this process. Its result is the copy's exit code. Destructors and exit handlers do not run
/// there. The copy leads a process group of its own. REQUIRES: no other threads.
Result<Child> fork_to(const std::function<int()>& work);

/// Full path of `program` in `path` (a PATH value). A name with '/' is returned if it is executable.
std::optional<std::string> find_program(std::string_view program, std::string_view path);

/// Identity of a live process, or not_found.
Result<ProcessId> process_id(pid_t pid);
/// A pidfd for exactly that process, or not_found if it has ended, even if its pid was reused.
Result<UniqueFd> open_process(const ProcessId& id);
/// argv of a live process, or not_found. Kernel threads have none, and neither has a process during its exec (spawn may
/// return that early). Bounded to 1 MiB.
Result<std::vector<std::string>> process_argv(pid_t pid);

}  // namespace banger::host
