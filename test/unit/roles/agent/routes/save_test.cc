// POST /hold and POST /quiesce from the host's side.
#include <fmt/format.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;
using link::FrameType;
using test::Agent;

namespace {

constexpr std::string_view kHold = R"({"hold":true})", kRelease = R"({"hold":false})";

// Writes its own pid, then a line into `file` for each SIGUSR1, until SIGTERM. A signal just before a `read` is handled
// only after the `read`, so each `read` must be short.
std::string counting(const std::string& file) {
  return fmt::format(
      "trap 'echo x >> {0}; echo noise; echo noise >&2' USR1; trap 'exit 0' TERM; echo $$; "
      "while :; do read -t 0.05 line || sleep 0.02; done",
      file);
}

std::size_t lines_in(const std::string& file) { return host::read_file(file, 1 << 16).value_or("").size() / 2; }

Task<Result<Json>> ask(Agent& a, std::string path, std::string_view body) {
  co_return co_await a.call("POST", std::move(path), std::string(body));
}

}  // namespace

TEST_CASE("hold: a command whose client is lost continues to read and write; after the release commands end again") {
  for (bool tty : {false, true}) {
    CAPTURE(tty);
    Agent agent;
    std::string file = agent.run_dir / "count";
    agent.run([&](Agent& a) -> Task<> {
      auto held = co_await ask(a, "/hold", kHold);
      CHECK(held.has_value());
      auto exec = co_await a.start({.argv = {"bash", "-c", counting(file)}, .tty = tty});
      co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
      pid_t pid = std::stoi(exec->outcome().out);
      exec.reset();
      // Longer than the hangup takes, and longer than a full pipe would need to stop the command.
      for (std::size_t round = 0; round < 20; ++round) {
        ::kill(pid, SIGUSR1);
        bool counted = co_await a.until([&] { return lines_in(file) > round; });
        CHECK(counted);
      }
      auto released = co_await ask(a, "/hold", kRelease);
      CHECK(released.has_value());
      co_await a.runtime.sleep_for(std::chrono::milliseconds(100));
      CHECK(host::process_id(pid).has_value());
      auto other = co_await a.start({.argv = {"sh", "-c", "echo $$; exec sleep 1000"}});
      co_await other->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
      pid_t second = std::stoi(other->outcome().out);
      other.reset();
      bool ended = co_await a.until([second] { return !host::process_id(second); });
      CHECK(ended);
      ::kill(pid, SIGTERM);
      bool reaped = co_await a.until([pid] { return !host::process_id(pid); });
      CHECK(reaped);
    });
  }
}

TEST_CASE("hold: input that was sent before the client was lost still arrives, and the input stays open") {
  Agent agent;
  std::string file = agent.run_dir / "input";
  agent.run([&](Agent& a) -> Task<> {
    (void)co_await ask(a, "/hold", kHold);
    auto exec =
        co_await a.start({.argv = {"sh", "-c", "echo $$; sleep 0.3; cat >> " + file + "; echo end >> " + file}});
    co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
    pid_t pid = std::stoi(exec->outcome().out);
    for (int i = 0; i < 4; ++i) co_await exec->send(FrameType::stdin_data, std::string(50'000, 'x'));
    co_await a.runtime.sleep_for(std::chrono::milliseconds(100));
    exec.reset();
    bool all = co_await a.until([&] { return host::read_file(file, 1 << 20).value_or("").size() == 200'000; });
    CHECK(all);
    co_await a.runtime.sleep_for(std::chrono::milliseconds(100));
    CHECK(host::process_id(pid).has_value());
    ::kill(-pid, SIGKILL);
  });
}

TEST_CASE("hold: a configuration releases it") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    (void)co_await ask(a, "/hold", kHold);
    CHECK(a.context->held);
    auto applied = co_await ask(a, "/configure", "{}");
    CHECK(applied.has_value());
    CHECK_FALSE(a.context->held);
  });
}

TEST_CASE("hold: a body without the field is refused") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (const char* body : {"", "{}", R"({"hold":1})", R"({"hold":true,"x":1})"}) {
      auto told = co_await ask(a, "/hold", body);
      CHECK(!told);
      if (!told) CHECK(told.error().code == ErrorCode::invalid);
    }
    CHECK_FALSE(a.context->held);
  });
}

TEST_CASE("quiesce: in a guest without cgroups nothing is frozen, without an error") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto told = co_await ask(a, "/quiesce", "{}");
    if (!told) {
      FAIL_CHECK(told.error().sentence());
      co_return;
    }
    CHECK(*told == Json{{"ok", true}, {"frozen", 0}});
    auto still = co_await a.exec({.argv = {"true"}});
    CHECK(still.exit.code == 0);
  });
}

TEST_CASE("quiesce: a configuration thaws the recorded groups") {
  Agent agent;
  std::filesystem::create_directories(agent.run_dir / "group");
  REQUIRE(host::write_file(agent.run_dir / "group/cgroup.freeze", "1"));
  REQUIRE(host::write_file(agent.context->run_dir.frozen_path(),
                           agent.run_dir / "group\n" + agent.run_dir.path() + "/has-ended"));
  (void)agent.context->run_dir.mark_system_ready();
  agent.run([](Agent& a) -> Task<> {
    auto applied = co_await ask(a, "/configure", "{}");
    CHECK(applied.has_value());
    // A moment later, so that a first command need not share the processor with all processes that wake up.
    auto health = co_await a.call("GET", "/health?wait=system");
    CHECK(health.has_value());
  });
  CHECK(host::read_file(agent.run_dir / "group/cgroup.freeze", 16) == "0");
  CHECK_FALSE(std::filesystem::exists(agent.context->run_dir.frozen_path()));
}

TEST_CASE("configure: work delayed for a first command runs at once when a client waits for the system") {
  Agent agent(capabilities::ApplyMode::provision,
              [](std::chrono::nanoseconds) -> std::chrono::milliseconds { return std::chrono::hours(1); });
  std::filesystem::create_directories(agent.run_dir / "group");
  REQUIRE(host::write_file(agent.run_dir / "group/cgroup.freeze", "1"));
  REQUIRE(host::write_file(agent.context->run_dir.frozen_path(), agent.run_dir / "group"));
  (void)agent.context->run_dir.mark_system_ready();
  agent.run([](Agent& a) -> Task<> {
    auto applied = co_await ask(a, "/configure", "{}");
    CHECK(applied.has_value());
    auto asked = co_await a.call("GET", "/health");
    CHECK((asked && (*asked)["system_ready"] == false));
    CHECK(host::read_file(a.run_dir / "group/cgroup.freeze", 16) == "1");
    auto waited = co_await a.call("GET", "/health?wait=system&hurry=1");
    CHECK((waited && (*waited)["system_ready"] == true));
    CHECK(host::read_file(a.run_dir / "group/cgroup.freeze", 16) == "0");
    // The next identity has its delay again.
    CHECK_FALSE(a.context->no_delay);
  });
}
