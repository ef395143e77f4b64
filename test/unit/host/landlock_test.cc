// What Landlock leaves to a program. Each test confines a real program by spawn, or a copy of the test itself.
#include "host/landlock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "catch.h"
#include "host/child.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {

bool skip_below(int version, const char* name) {
  auto found = landlock_version();
  if (found && *found >= version) return false;
  if (found)
    std::printf("SKIPPED: %s: Landlock has version %d, and the test needs %d\n", name, *found, version);
  else
    std::printf("SKIPPED: %s: %s\n", name, found.error().message.c_str());
  return true;
}

// A shell and its programs.
const std::vector<FileRule> kPrograms = {{"/usr", FileAccess::run},
                                         {"/bin", FileAccess::run},
                                         {"/lib", FileAccess::run},
                                         {"/lib64", FileAccess::run},
                                         {"/etc/ld.so.cache", FileAccess::read},
                                         {"/dev/null", FileAccess::write}};

UniqueFd rules_with(std::vector<FileRule> files) {
  files.insert(files.begin(), kPrograms.begin(), kPrograms.end());
  auto rules = make_ruleset({.files = files});
  REQUIRE(rules);
  return std::move(*rules);
}

bool works(const std::string& script, const UniqueFd& rules) {
  auto child = spawn({.argv = {"/bin/sh", "-c", script},
                      .env = {"PATH=/usr/bin:/bin"},
                      .cwd = "/",
                      .no_new_privileges = true,
                      .landlock_fd = rules.get()});
  REQUIRE(child);
  return child->wait().shell_code() == 0;
}

// The error of an attempt under these rules: 0 if it succeeds.
int error_of(const Ruleset& rules, const std::function<long()>& attempt) {
  auto fd = make_ruleset(rules);
  REQUIRE(fd);
  auto child = fork_to([&] {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return 200;
    if (::syscall(SYS_landlock_restrict_self, fd->get(), 0) < 0) return 201;
    return attempt() < 0 ? errno : 0;
  });
  REQUIRE(child);
  return child->wait().shell_code();
}

}  // namespace

TEST_CASE("landlock: a program reads the files that a rule names, and no others") {
  if (skip_below(1, "landlock: a program reads the files that a rule names, and no others")) return;
  test::TempDir dir;
  dir.put("inside/a", "a");
  dir.put("file", "f");
  dir.put("outside", "o");
  auto rules = rules_with({{dir / "inside", FileAccess::read}, {dir / "file", FileAccess::read}});
  CHECK(works("test \"$(cat " + (dir / "inside/a") + ")\" = a", rules));
  CHECK(works("ls " + (dir / "inside"), rules));
  CHECK(works("cat " + (dir / "file"), rules));
  CHECK_FALSE(works("cat " + (dir / "outside"), rules));
  CHECK_FALSE(works("ls " + dir.path(), rules));
  CHECK_FALSE(works("cat /etc/passwd", rules));
  CHECK_FALSE(works("echo b > " + (dir / "inside/a"), rules));
  CHECK_FALSE(works("echo n > " + (dir / "inside/new"), rules));
}

TEST_CASE("landlock: a writable file stays the only file of its directory") {
  if (skip_below(1, "landlock: a writable file stays the only file of its directory")) return;
  test::TempDir dir;
  dir.put("disk", "d");
  dir.put("other", "o");
  auto rules = rules_with({{dir / "disk", FileAccess::write}});
  CHECK(works("echo more >> " + (dir / "disk") + " && cat " + (dir / "disk"), rules));
  CHECK(works("echo short > " + (dir / "disk"), rules));
  CHECK(dir.get("disk") == "short\n");
  CHECK_FALSE(works("cat " + (dir / "other"), rules));
  CHECK_FALSE(works("ln -s /etc/passwd " + (dir / "link"), rules));
  CHECK_FALSE(works("rm " + (dir / "disk"), rules));
}

TEST_CASE("landlock: a directory with the right to unlink gives nothing else") {
  if (skip_below(1, "landlock: a directory with the right to unlink gives nothing else")) return;
  test::TempDir dir;
  dir.put("a", "a");
  auto rules = rules_with({{dir.path(), FileAccess::unlink}});
  CHECK_FALSE(works("cat " + (dir / "a"), rules));
  CHECK_FALSE(works("touch " + (dir / "b"), rules));
  CHECK(works("rm -f " + (dir / "a"), rules));
  CHECK(dir.entries() == 0);
}

TEST_CASE("landlock: rules follow a directory that is renamed") {
  if (skip_below(1, "landlock: rules follow a directory that is renamed")) return;
  test::TempDir dir;
  dir.put("before/a", "a");
  auto rules = rules_with({{dir / "before", FileAccess::read}});
  std::filesystem::rename(dir / "before", dir / "after");
  CHECK(works("cat " + (dir / "after/a"), rules));
}

TEST_CASE("landlock: a file that does not exist has no rule, and is no error") {
  if (skip_below(1, "landlock: a file that does not exist has no rule, and is no error")) return;
  test::TempDir dir;
  dir.put("file", "f");
  CHECK(make_ruleset({.files = {{dir / "none", FileAccess::read}, {dir / "file/below", FileAccess::read}}}));
}

TEST_CASE("landlock: without a right to run, a program does not start") {
  if (skip_below(1, "landlock: without a right to run, a program does not start")) return;
  auto rules = make_ruleset({.files = {{"/", FileAccess::read}}});
  REQUIRE(rules);
  auto child = spawn({.argv = {"/bin/true"}, .env = {}, .no_new_privileges = true, .landlock_fd = rules->get()});
  REQUIRE(!child);
  CHECK(child.error().code == ErrorCode::denied);
}

TEST_CASE("landlock: TCP is for those who may have it") {
  if (skip_below(landlock::kTcp, "landlock: TCP is for those who may have it")) return;
  auto connect = [] {
    sockaddr_in nobody{.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&nobody), sizeof nobody);
  };
  auto bind = [] {
    sockaddr_in any{.sin_family = AF_INET, .sin_port = htons(0), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any);
  };
  CHECK(error_of({}, connect) == EACCES);
  CHECK(error_of({}, bind) == EACCES);
  CHECK(error_of({.tcp = true}, connect) == ECONNREFUSED);
  CHECK(error_of({.tcp = true}, bind) == 0);
}

TEST_CASE("landlock: other processes get no signals, and abstract sockets stay closed") {
  if (skip_below(landlock::kScopes, "landlock: other processes get no signals, and abstract sockets stay closed"))
    return;
  pid_t outside = ::getpid();
  CHECK(error_of({}, [outside] { return ::kill(outside, 0); }) == EPERM);
  CHECK(error_of({}, [] { return ::kill(::getpid(), 0); }) == 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "\0banger-test-landlock"};
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  CHECK(error_of({}, [&address] {
          UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
          return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
        }) == EPERM);
}
