#include "support/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace banger::test {

namespace {

bool put(const char* path, const std::string& text) {
  int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  bool good = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) ::close(fd);
  return good;
}

bool enter() {
  int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS;
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
  if (uid == 0) {
    if (::unshare(flags) < 0) return false;
  } else {
    if (::unshare(flags | CLONE_NEWUSER) < 0 || !put("/proc/self/setgroups", "deny")) return false;
    if (!put("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1") ||
        !put("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1"))
      return false;
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
}

}  // namespace

std::string in_sandbox(const std::function<std::string()>& check) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) < 0) return "no pipe";
  pid_t pid = ::fork();
  if (pid == 0) {
    std::string text = enter() ? check() : "no sandbox";
    (void)!::write(report[1], text.data(), std::min<std::size_t>(text.size(), 4096));
    ::_exit(0);
  }
  ::close(report[1]);
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t got; (got = ::read(report[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(report[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "the sandboxed check died: " + text;
  return text;
}

bool sandbox_available() {
  return in_sandbox([] { return std::string(); }).empty();
}

}  // namespace banger::test
