#include "roles/agent/shutdown_plan.h"

#include <fmt/format.h>
#include <signal.h>

#include "api/bounds.h"
#include "harness.h"
#include "roles/agent/bounds.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("shutdown_plan: each init has its own command or signal") {
  CHECK(plan_shutdown(InitKind::systemd, ShutdownMode::poweroff).signal == 38);
  CHECK(plan_shutdown(InitKind::systemd, ShutdownMode::reboot).signal == 39);
  CHECK(plan_shutdown(InitKind::busybox, ShutdownMode::poweroff).signal == SIGUSR2);
  CHECK(plan_shutdown(InitKind::busybox, ShutdownMode::reboot).signal == SIGTERM);
  CHECK(plan_shutdown(InitKind::none, ShutdownMode::poweroff).signal == SIGUSR2);
  CHECK(plan_shutdown(InitKind::none, ShutdownMode::reboot).signal == SIGTERM);
  CHECK(plan_shutdown(InitKind::other, ShutdownMode::poweroff).signal == SIGTERM);
  CHECK(plan_shutdown(InitKind::openrc, ShutdownMode::poweroff).commands[0] ==
        std::vector<std::string>{"openrc-shutdown", "-p", "now"});
  CHECK(plan_shutdown(InitKind::openrc, ShutdownMode::reboot).commands[1] == std::vector<std::string>{"reboot"});
  CHECK(plan_shutdown(InitKind::runit, ShutdownMode::poweroff).commands[0] ==
        std::vector<std::string>{"runit-init", "0"});
  CHECK(plan_shutdown(InitKind::runit, ShutdownMode::reboot).commands[1] ==
        std::vector<std::string>{"/sbin/init", "6"});
  CHECK(plan_shutdown(InitKind::other, ShutdownMode::reboot).commands[0] == std::vector<std::string>{"reboot"});
}

TEST_CASE("shutdown_plan: a process reacts to a signal that it catches or has blocked") {
  auto status = [](const char* blocked, const char* ignored, const char* caught) {
    return fmt::format("Name:\tinit\nSigPnd:\t{0}\nSigBlk:\t{1}\nSigIgn:\t{2}\nSigCgt:\t{3}\nCapInh:\t{0}\n",
                       "ffffffffffffffff", blocked, ignored, caught);
  };
  const char *none = "0000000000000000", *signal38 = "0000002000000000";
  CHECK(!reacts_to(status(none, none, none), 38));
  CHECK(!reacts_to(status(none, signal38, none), 38));
  CHECK(reacts_to(status(signal38, none, none), 38));
  CHECK(reacts_to(status(none, none, signal38), 38));
  CHECK(!reacts_to(status(none, none, signal38), 39));
  CHECK(reacts_to(status(none, none, "8000000000000000"), 64));
  CHECK(!reacts_to("", 38));
}

TEST_CASE("shutdown_plan: a signal waits until its process reacts to it, or for the deadline") {
  test::TempDir dir;
  auto path = dir / "status";
  REQUIRE(host::write_file(path, "Name:\tinit\nSigBlk:\t0\nSigCgt:\t0\n"));
  host::Runtime runtime(1);
  bool ready = false, early = false, late = false;
  auto become_ready = [&]() -> Task<> {
    co_await runtime.sleep_for(std::chrono::milliseconds(1));
    ready = true;
    REQUIRE(host::write_file(path, "Name:\tinit\nSigBlk:\t4000\nSigCgt:\t0\n"));
  };
  auto body = [&]() -> Task<> {
    co_await wait_until_reacts(runtime, path, SIGTERM, host::after(std::chrono::minutes(1)));
    early = !ready;
    co_await wait_until_reacts(runtime, path, SIGINT, host::after(std::chrono::milliseconds(1)));
    late = true;
    runtime.stop();
  };
  runtime.spawn(body());
  runtime.spawn(become_ready());
  runtime.run();
  CHECK(!early);
  CHECK(late);
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

TEST_CASE("shutdown_plan: the request is repeated for as long as any stop waits") {
  CHECK(limits::kShutdownAttempts * limits::kShutdownRepeat >= std::chrono::milliseconds(limits::kStopTimeoutMs));
}
