// Groups of commands with the real cgroup v2, in a group of the test's own that represents the guest's root.
#include "roles/agent/exec/command_groups.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "base/text.h"
#include "harness.h"
#include "host/child.h"
#include "host/files.h"
#include "roles/agent/groups.h"

using namespace banger;
using namespace banger::roles::agent;
using test::TempDir;

namespace {

/// The guest's root of cgroup2, with a process of its init.
class Root {
 public:
  Root() {
    auto mounted = find_cgroup2(host::read_file("/proc/self/mountinfo", 1 << 20).value_or(""));
    if (mounted.empty()) return;
    path_ = fmt::format("{}/banger-test-commands-{}", mounted, ::getpid());
    usable_ = ::mkdir(path_.c_str(), 0755) == 0 && host::write_file(dir_ / "mountinfo", mountinfo()).has_value();
  }
  ~Root() {
    if (path_.empty()) return;
    (void)put_control(path_ + "/cgroup.kill", "1");
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    for (const char* name :
         {"/banger-commands/1", "/banger-commands/2", "/banger-commands", "/banger-agent", "/init", ""}) {
      for (int i = 0; i < 200 && ::rmdir((path_ + name).c_str()) < 0 && errno == EBUSY; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  bool usable() const { return usable_; }
  CommandGroups groups() const { return {RunDir(dir_.path()), dir_ / "mountinfo", MountCgroups::no}; }

  /// Runs `body` as the agent, with a supervisor as its parent. Returns what the body returns.
  std::string as_agent(const std::function<std::string()>& body) const {
    ::mkdir((path_ + "/init").c_str(), 0755);
    pid_t keeper = ::fork();
    if (keeper == 0) {
      (void)put_control(path_ + "/init/cgroup.procs", "0");
      pid_t agent = ::fork();
      if (agent == 0) {
        (void)host::write_file(dir_ / "result", body());
        ::_exit(0);
      }
      ::waitpid(agent, nullptr, 0);
      ::_exit(0);
    }
    ::waitpid(keeper, nullptr, 0);
    return host::read_file(dir_ / "result", 4096).value_or("nothing");
  }

 private:
  std::string mountinfo() const {
    return fmt::format("41 31 0:38 / {} rw,relatime shared:4 - cgroup2 cgroup2 rw\n", path_);
  }
  TempDir dir_;
  std::string path_;
  bool usable_ = false;
};

/// The last two parts of the process's path in cgroup2.
std::string group_of(pid_t pid) {
  auto text = host::read_file(fmt::format("/proc/{}/cgroup", pid), 4096).value_or("");
  for (auto line : split(text, '\n')) {
    if (!line.starts_with("0::")) continue;
    auto parts = split(line, '/');
    return fmt::format("{}/{}", parts[parts.size() - 2], parts.back());
  }
  return "none";
}

Result<host::Child> sleeper(int group) {
  return host::spawn({.argv = {"sleep", "100"}, .env = {"PATH=/usr/bin:/bin"}, .cwd = "/", .cgroup_fd = group});
}

bool skips(const Root& root, const char* name) {
  if (!root.usable()) std::printf("SKIPPED: %s: no cgroup2 that may be written here\n", name);
  return !root.usable();
}

}  // namespace

TEST_CASE("command groups: each command begins in a group of its own, and the agent has one too") {
  Root root;
  if (skips(root, "command groups: each command begins in a group of its own, and the agent has one too")) return;
  auto result = root.as_agent([&] {
    auto groups = root.groups();
    auto first = sleeper(groups.next()), second = sleeper(groups.next());
    if (!first || !second) return std::string("not started");
    auto own = group_of(::getpid()), parents = group_of(::getppid());
    auto agent = split(own, '/')[1], keeper = split(parents, '/')[1];
    return fmt::format("{} {} {} {}", group_of(first->pid()), group_of(second->pid()), agent, keeper);
  });
  CHECK(result == "banger-commands/1 banger-commands/2 banger-agent banger-agent");
}

TEST_CASE("command groups: a group is used again when its processes have ended, also by the next agent") {
  Root root;
  if (skips(root, "command groups: a group is used again when its processes have ended, also by the next agent"))
    return;
  auto use_twice = [&] {
    auto groups = root.groups();
    auto other = sleeper(groups.next());
    {
      auto ended = sleeper(groups.next());
    }
    auto next = sleeper(groups.next());
    return other && next ? fmt::format("{} {}", group_of(other->pid()), group_of(next->pid())) : std::string("failed");
  };
  CHECK(root.as_agent(use_twice) == "banger-commands/1 banger-commands/2");
  CHECK(root.as_agent(use_twice) == "banger-commands/1 banger-commands/2");
}

TEST_CASE("command groups: a guest without cgroup2 runs commands without groups") {
  TempDir dir;
  REQUIRE(host::write_file(dir / "mountinfo", ""));
  REQUIRE(host::write_file(dir / "init", "systemd"));
  REQUIRE(RunDir(dir.path()).mark_system_ready());
  // systemd does without cgroup2 on purpose, and another init may still mount it before the system is ready.
  CHECK(CommandGroups(RunDir(dir.path()), dir / "mountinfo", MountCgroups::yes).next() == -1);
  CHECK(CommandGroups(RunDir(dir.path()), dir / "missing", MountCgroups::yes).next() == -1);
  REQUIRE(host::remove_file(dir / "system-ready"));
  REQUIRE(host::write_file(dir / "init", "none"));
  CHECK(CommandGroups(RunDir(dir.path()), dir / "mountinfo", MountCgroups::yes).next() == -1);
  CHECK_FALSE(std::filesystem::exists(dir / "cgroup"));
}

TEST_CASE("command groups: a command gets a part of the processes that the guest can have") {
  CHECK(command_tasks(32768, 1960) == 490);
  CHECK(command_tasks(4096, 100'000) == 1024);
  CHECK(command_tasks(32768, 100) == 64);
  CHECK(command_tasks(0, 0) == 64);
}
