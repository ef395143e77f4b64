#include "roles/agent/exec/login_limits.h"

#include <sys/resource.h>

#include "roles/agent/exec/command.h"
#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("login_limits: a command opens as many files as a login, whatever the agent itself may open") {
  rlimit own{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
  auto hard = ::geteuid() == 0 ? 1048576 : std::min<rlim_t>(1048576, own.rlim_max);
  auto files = login_limits().at(0);
  CHECK(files.resource == RLIMIT_NOFILE);
  CHECK(files.soft == std::min<rlim_t>(1024, hard));
  CHECK(files.hard == hard);
  User user{.name = "dev", .uid = 1000, .gid = 1000, .groups = {1000}, .home = "/", .shell = "/bin/sh"};
  auto command = prepare_command({.argv = {"true"}}, user, {});
  REQUIRE(command);
  CHECK(command->spawn.limits.at(0).hard == hard);
}

TEST_CASE("login_limits: locked memory is what PID 1 may lock, as pam_limits has it") {
  rlimit first{};
  auto list = login_limits();
  if (::geteuid() != 0 || ::prlimit(1, RLIMIT_MEMLOCK, nullptr, &first) < 0) return;
  REQUIRE(list.size() == 2);
  CHECK(list[1].resource == RLIMIT_MEMLOCK);
  CHECK(list[1].hard == first.rlim_max);
}
