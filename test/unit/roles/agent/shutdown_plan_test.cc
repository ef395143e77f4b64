#include "roles/agent/shutdown_plan.h"

#include <signal.h>

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("shutdown_plan: each init has its own command or signal") {
  CHECK(plan_shutdown(InitKind::systemd, ShutdownMode::poweroff).signal == 38);
  CHECK(plan_shutdown(InitKind::systemd, ShutdownMode::reboot).signal == 39);
  CHECK(plan_shutdown(InitKind::busybox, ShutdownMode::poweroff).signal == SIGUSR2);
  CHECK(plan_shutdown(InitKind::busybox, ShutdownMode::reboot).signal == SIGTERM);
  CHECK(plan_shutdown(InitKind::none, ShutdownMode::poweroff).signal == SIGTERM);
  CHECK(plan_shutdown(InitKind::other, ShutdownMode::poweroff).signal == SIGTERM);
  CHECK(plan_shutdown(InitKind::openrc, ShutdownMode::poweroff).commands[0] ==
        std::vector<std::string>{"openrc-shutdown", "-p", "now"});
  CHECK(plan_shutdown(InitKind::openrc, ShutdownMode::reboot).commands[1] == std::vector<std::string>{"reboot"});
  CHECK(plan_shutdown(InitKind::runit, ShutdownMode::poweroff).commands[0] ==
        std::vector<std::string>{"runit-init", "0"});
}

TEST_CASE("shutdown_plan: commands are tried until one succeeds") {
  test::TempDir dir;
  host::Runtime runtime(1);
  std::vector<Result<>> results;
  auto body = [&]() -> Task<> {
    ShutdownPlan works{.commands = {{"no-such-tool"}, {"false"}, {"touch", dir / "asked"}, {"touch", dir / "too-far"}}};
    ShutdownPlan fails{.commands = {{"no-such-tool"}, {"sh", "-c", "echo broken >&2; exit 3"}}};
    auto first = co_await carry_out(runtime, works);
    results.push_back(first);
    auto second = co_await carry_out(runtime, fails);
    results.push_back(second);
    runtime.stop();
  };
  runtime.spawn(body());
  runtime.run();
  REQUIRE(results.size() == 2);
  CHECK(results[0]);
  CHECK(std::filesystem::exists(dir / "asked"));
  CHECK(!std::filesystem::exists(dir / "too-far"));
  REQUIRE(!results[1]);
  CHECK(results[1].error().message.find("broken") != std::string::npos);
}
