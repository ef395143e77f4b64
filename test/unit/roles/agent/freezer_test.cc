// The freezer with the real cgroup v2, in a group of the test's own that represents the guest's root.
#include "roles/agent/freezer.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "base/text.h"
#include "harness.h"
#include "host/files.h"
#include "roles/agent/groups.h"

using namespace banger;
using namespace banger::roles::agent;
using test::TempDir;

namespace {

/// A group with the groups `busy` (with a process that counts in a file) and `asleep` (frozen by another program).
class Groups {
 public:
  Groups() {
    auto root = find_cgroup2(host::read_file("/proc/self/mountinfo", 1 << 20).value_or(""));
    if (root.empty()) return;
    path_ = fmt::format("{}/banger-test-{}", root, ::getpid());
    usable_ = ::mkdir(path_.c_str(), 0755) == 0 && ::mkdir((path_ + "/busy").c_str(), 0755) == 0 &&
              ::mkdir((path_ + "/asleep").c_str(), 0755) == 0 && put("asleep/cgroup.freeze", "1");
  }
  ~Groups() {
    if (path_.empty()) return;
    // This kills frozen processes too.
    put("cgroup.kill", "1");
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    for (const char* name : {"/busy", "/asleep", "/banger-agent", ""}) {
      for (int i = 0; i < 200 && ::rmdir((path_ + name).c_str()) < 0 && errno == EBUSY; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  bool usable() const { return usable_; }
  std::string mountinfo() const {
    return fmt::format("41 31 0:38 / {} rw,relatime shared:4 - cgroup2 cgroup2 rw\n", path_);
  }
  bool put(const std::string& name, const std::string& text) const {
    std::FILE* file = std::fopen((path_ + "/" + name).c_str(), "w");
    bool good = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    return file && std::fclose(file) == 0 && good;
  }
  std::string get(const std::string& name) const { return host::read_file(path_ + "/" + name, 4096).value_or("?"); }
  /// Forks a process into the group `name`.
  pid_t start(const std::string& name, const std::function<void()>& body) const {
    pid_t pid = ::fork();
    if (pid == 0) {
      if (put(name + "/cgroup.procs", "0")) body();
      ::_exit(0);
    }
    return pid;
  }

 private:
  std::string path_;
  bool usable_ = false;
};

void count(const std::string& file) {
  for (;;) {
    if (std::FILE* out = std::fopen(file.c_str(), "a")) {
      std::fputc('x', out);
      std::fclose(out);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// Acts as the agent with its supervisor as its parent. Both are in the counter's group, as with systemd's init.scope.
void supervise(const TempDir& dir) {
  pid_t agent = ::fork();
  if (agent == 0) {
    auto frozen = freeze_others(dir / "mountinfo", dir / "memory");
    auto told = frozen ? std::to_string(*frozen) : frozen.error().sentence();
    (void)host::write_file(dir / "frozen", told);
    while (::access((dir / "thaw").c_str(), F_OK) < 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    auto thawed = thaw(dir / "memory");
    (void)host::write_file(dir / "thawed", thawed ? "done" : thawed.error().sentence());
    ::_exit(0);
  }
  ::waitpid(agent, nullptr, 0);
}

std::string wait_for(const std::string& path) {
  for (int i = 0; i < 2000 && ::access(path.c_str(), F_OK) < 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return host::read_file(path, 4096).value_or("nothing");
}

bool grows(const std::string& file) {
  auto before = host::read_file(file, 1 << 20).value_or("").size();
  for (int i = 0; i < 60; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (host::read_file(file, 1 << 20).value_or("").size() > before) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("freezer: stops all but the agent and its supervisor, and thaws exactly what it stopped") {
  TempDir dir;
  Groups groups;
  if (!groups.usable()) {
    std::puts(
        "SKIPPED: freezer: stops all but the agent and its supervisor, and lets go what it stopped and nothing else: "
        "no cgroup2 that may be written here");
    return;
  }
  REQUIRE(host::write_file(dir / "mountinfo", groups.mountinfo()));
  groups.start("busy", [&] { count(dir / "count"); });
  REQUIRE(wait_for(dir / "count") != "nothing");
  groups.start("busy", [&] { supervise(dir); });
  CHECK(wait_for(dir / "frozen") == "1");
  CHECK_FALSE(grows(dir / "count"));
  CHECK(split(groups.get("banger-agent/cgroup.procs"), '\n').size() == 3);
  REQUIRE(host::write_file(dir / "thaw", ""));
  CHECK(wait_for(dir / "thawed") == "done");
  CHECK(grows(dir / "count"));
  CHECK(groups.get("asleep/cgroup.freeze") == "1\n");
  CHECK_FALSE(std::filesystem::exists(dir / "memory"));
}

TEST_CASE("freezer: thawing without a record succeeds") {
  TempDir dir;
  CHECK(thaw(dir / "memory").has_value());
}
