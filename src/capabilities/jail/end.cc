// The end of a jail: its processes, its cgroup, its directory. Each of them may be missing.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>

#include "capabilities/jail/request.h"
#include "host/beneath.h"
#include "host/cgroup.h"
#include "host/child.h"
#include "host/files.h"
#include "machine/firecracker/bounds.h"

namespace banger::capabilities {

namespace {

using std::chrono::steady_clock;

// The jailer and Firecracker carry the id on their command line. Another user's process is never a match.
bool is_of_jail(const PrivilegedContext& context, pid_t pid, const std::string& id) {
  struct stat info{};
  if (::stat(fmt::format("/proc/{}", pid).c_str(), &info) < 0 || (info.st_uid != context.owner_uid && info.st_uid != 0))
    return false;
  auto argv = host::process_argv(pid);
  return argv && has_id(*argv, id);
}

std::vector<UniqueFd> processes_of(const PrivilegedContext& context, const std::string& id) {
  std::vector<UniqueFd> found;
  std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    std::string_view name = entry->d_name;
    pid_t pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size() || pid <= 1 || pid == ::getpid()) continue;
    // The process is held before the check, so a process that gets its number afterwards receives no signal.
    UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (process && is_of_jail(context, pid, id)) found.push_back(std::move(process));
  }
  return found;
}

// Repeats, because the jailer may be about to fork or to execute another program.
Result<> kill_all(const PrivilegedContext& context, const std::string& id, steady_clock::time_point until) {
  for (;;) {
    auto processes = processes_of(context, id);
    if (processes.empty()) return {};
    for (const auto& process : processes)
      if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) < 0 && errno != ESRCH)
        return fail_errno("kill the processes in the jail");
    for (const auto& process : processes) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now()).count();
      pollfd ended{process.get(), POLLIN, 0};
      if (left <= 0 || ::poll(&ended, 1, static_cast<int>(left)) != 1)
        return fail(ErrorCode::busy, "a process in the jail has not ended yet");
    }
  }
}

Result<> remove_directory(const PrivilegedContext& context, const std::string& path) {
  auto directory = open_vm_directory(context, path);
  if (!directory && directory.error().code == ErrorCode::not_found) return {};
  // From here on the directory is removed by descriptor: a link inside is removed, never followed.
  auto held = TRY(std::move(directory));
  auto removed = host::remove_tree(fmt::format("{}/{}", host::path_of_fd(held), machine::firecracker::kJailDirectory));
  return in(path, std::move(removed));
}

}  // namespace

Result<> end_jail(const PrivilegedContext& context, const JailRequest& request) {
  auto until = steady_clock::now() + limits::kJailEndDeadline;
  TRY(kill_all(context, request.id, until));
  if (auto cgroups = host::find_cgroups()) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
    TRY(in("cgroup", host::end_cgroup(fmt::format("{}/{}", *cgroups, cgroup_of(request.id)), left)));
    ::rmdir(fmt::format("{}/{}", *cgroups, machine::firecracker::kJailCgroups).c_str());  // empty with the last jail
  }
  if (request.directory.empty()) return {};
  return remove_directory(context, request.directory);
}

}  // namespace banger::capabilities
