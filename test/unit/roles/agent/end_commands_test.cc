#include "roles/agent/end_commands.h"

#include <chrono>
#include <functional>
#include <thread>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

/// A process that starts `commands` in sessions of their own, as the agent does, and waits for them.
Result<host::Child> fake_agent(const std::string& commands) {
  return host::spawn({.argv = {"sh", "-c", commands + " wait"}, .env = {"PATH=/usr/bin:/bin"}});
}

bool until(const std::function<bool()>& condition) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

TEST_CASE("end_commands: an interactive shell and a server end, and then nothing is left to wait for") {
  test::TempDir dir;
  RunDir run_dir(dir.path());
  // The shell ignores what the server obeys, and the other way round.
  auto agent =
      fake_agent("setsid sh -c 'trap \"\" TERM; echo > $0/shell; while :; do sleep 0.1; done' " + dir.path() +
                 " & setsid sh -c 'trap \"\" HUP; echo > $0/server; while :; do sleep 0.1; done' " + dir.path() + " &");
  REQUIRE(agent);
  REQUIRE(run_dir.save_agent_pid(agent->pid()));
  REQUIRE(until([&] { return dir.entries() == 3; }));
  CHECK_FALSE(run_dir.ending());
  REQUIRE(end_commands(run_dir));
  CHECK(run_dir.ending());
  CHECK(until([&] { return agent->poll().has_value(); }));
}

TEST_CASE("end_commands: without a running agent there is nothing to end") {
  test::TempDir dir;
  RunDir run_dir(dir.path());
  CHECK(end_commands(run_dir).error().code == ErrorCode::not_found);
  dir.put("agent.pid", "x");
  CHECK(end_commands(run_dir).error().code == ErrorCode::corrupt);
  auto gone = fake_agent("");
  gone->wait();
  REQUIRE(run_dir.save_agent_pid(gone->pid()));
  CHECK(end_commands(run_dir));
}
