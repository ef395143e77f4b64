#include "roles/agent/exec/command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

const User kDev{.name = "dev", .uid = 1000, .gid = 1000, .groups = {1000}, .home = "/home/dev", .shell = "/bin/sh"};

User me() {
  return {
      .name = "me", .uid = ::geteuid(), .gid = ::getegid(), .groups = {::getegid()}, .home = "/", .shell = "/bin/sh"};
}

std::string variable(const Command& command, std::string name) {
  name += '=';
  for (const auto& entry : command.spawn.env)
    if (entry.starts_with(name)) return entry.substr(name.size());
  return "(unset)";
}

link::ExecExit failure(link::ExecSpec spec, User user = me()) {
  auto command = prepare_command(spec, user, {});
  REQUIRE(command);
  auto child = start_command(*command);
  return child ? link::ExecExit{} : child.error();
}

}  // namespace

TEST_CASE("command: unlike the agent, it may be killed when memory runs out") {
  auto command = prepare_command({.argv = {"true"}}, kDev, {});
  REQUIRE(command);
  CHECK(command->spawn.default_oom_score);
}

TEST_CASE("command: the environment is defaults, then the guest's, then the request's") {
  auto command = prepare_command({.argv = {"true"}, .env = {{"B", "request"}, {"C", "request"}}}, kDev,
                                 {{"A", "guest"}, {"B", "guest"}, {"LANG", "de_DE.UTF-8"}});
  REQUIRE(command);
  CHECK(variable(*command, "A") == "guest");
  CHECK(variable(*command, "B") == "request");
  CHECK(variable(*command, "C") == "request");
  CHECK(variable(*command, "LANG") == "de_DE.UTF-8");
  CHECK(variable(*command, "HOME") == "/home/dev");
  CHECK(variable(*command, "USER") == "dev");
  CHECK(variable(*command, "LOGNAME") == "dev");
  CHECK(variable(*command, "SHELL") == "/bin/sh");
  CHECK(variable(*command, "PATH").find("/usr/bin") != std::string::npos);
  CHECK(variable(*command, "TERM") == "(unset)");
}

TEST_CASE("command: TERM comes with a terminal") {
  auto command = prepare_command({.argv = {"true"}, .tty = true, .term = "screen"}, kDev, {});
  REQUIRE(command);
  CHECK(variable(*command, "TERM") == "screen");
}

TEST_CASE("command: no argv is the user's login shell, or sh when that is missing") {
  User user = kDev;
  user.shell = "/nonexistent/fish";
  auto command = prepare_command({}, user, {});
  REQUIRE(command);
  CHECK(command->spawn.argv == std::vector<std::string>{"/bin/sh", "-l"});
  CHECK(command->spawn.cwd == "/home/dev");
  CHECK(command->directory == Directory::Of::user);
  CHECK(variable(*command, "SHELL") == "/bin/sh");
}

TEST_CASE("command: a relative directory is under the user's home") {
  auto command = prepare_command({.argv = {"true"}, .cwd = "src"}, kDev, {});
  REQUIRE(command);
  CHECK(command->spawn.cwd == "/home/dev/src");
}

TEST_CASE("command: NUL bytes and malformed variables are refused") {
  CHECK(!prepare_command({.argv = {"true", std::string("a\0b", 3)}}, kDev, {}));
  CHECK(!prepare_command({.argv = {"true"}, .env = {{"A=B", "c"}}}, kDev, {}));
  CHECK(!prepare_command({.argv = {"true"}, .env = {{"", "c"}}}, kDev, {}));
  CHECK(!prepare_command({.argv = {"true"}, .cwd = std::string("/\0", 2)}, kDev, {}));
  CHECK(!prepare_command({.argv = {""}}, kDev, {}));
}

TEST_CASE("command: the error of a failed start names the cause") {
  test::TempDir dir;
  REQUIRE(host::write_file(dir / "plain", "text\n", 0644));
  REQUIRE(host::write_file(dir / "garbage", "\x01\x02\x03\x04", 0755));
  REQUIRE(host::write_file(dir / "orphan", "#!/nonexistent/interpreter\n", 0755));

  auto missing = failure({.argv = {"no-such-command"}});
  CHECK(missing.code == 127);
  CHECK(missing.message == "'no-such-command': command not found in the guest");
  auto path = failure({.argv = {dir / "nothing"}});
  CHECK(path.code == 127);
  CHECK(path.message == "'" + dir / "nothing" + "': no such file in the guest");
  auto plain = failure({.argv = {dir / "plain"}});
  CHECK(plain.code == 126);
  CHECK(plain.message == "'" + dir / "plain" + "' is not executable in the guest");
  CHECK(failure({.argv = {dir.path()}}).message == "'" + dir.path() + "' is a directory in the guest");
  CHECK(failure({.argv = {dir / "garbage"}}).code == 126);
  auto orphan = failure({.argv = {"./orphan"}, .cwd = dir.path()});
  CHECK(orphan.code == 126);
  CHECK(orphan.message == "'./orphan': its interpreter or loader is missing in the guest");
}

TEST_CASE("command: a missing directory is an error only if the request named it") {
  auto asked = failure({.argv = {"true"}, .cwd = "/nonexistent/dir"});
  CHECK(asked.code == 125);
  CHECK(asked.message == "'/nonexistent/dir' is not a directory in the guest");
  User homeless = me();
  homeless.home = "/nonexistent";
  CHECK(failure({.argv = {"true"}}, homeless).code == 0);
  CHECK(failure({.argv = {"no-such-command"}}, homeless).code == 127);
}

TEST_CASE("command: a missing directory of the image is made") {
  test::TempDir dir;
  auto command = prepare_command({.argv = {"true"}}, me(), {}, {.working_dir = dir / "made/deep"});
  REQUIRE(command);
  CHECK(start_command(*command));
  CHECK(std::filesystem::is_directory(dir / "made/deep"));
  REQUIRE(host::write_file(dir / "file", "x"));
  auto blocked = prepare_command({.argv = {"true"}}, me(), {}, {.working_dir = dir / "file/below"});
  REQUIRE(blocked);
  CHECK(start_command(*blocked));
  CHECK(blocked->spawn.cwd == "/");
}

TEST_CASE("command: a program another user may not run is not executable for them") {
  if (::geteuid() != 0) return;
  test::TempDir dir;  // 0700: closed to other users
  REQUIRE(host::write_file(dir / "tool", "#!/bin/sh\n", 0755));
  auto refused =
      failure({.argv = {dir / "tool"}}, {.name = "nobody", .uid = 65534, .gid = 65534, .groups = {65534}, .home = "/"});
  CHECK(refused.code == 126);
  CHECK(refused.message == "'" + dir / "tool" + "': user 'nobody' may not run it in '/'");
}
