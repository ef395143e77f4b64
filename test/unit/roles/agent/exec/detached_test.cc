// Commands that are left to themselves.
#include "roles/agent/exec/detached.h"

#include <sys/wait.h>

#include "roles/agent/harness.h"
#include "support/temp_dir.h"

using namespace banger;
using test::Agent;

TEST_CASE("a detached command: for its client it ends at once, but it goes on without input and output") {
  test::TempDir dir;
  test::Outcome outcome;
  auto script = "ends=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$ends\" >" + (dir / "ends") +
                "; echo lost; while ! test -e " + (dir / "go") + "; do sleep 0.01; done; touch " + (dir / "done");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    outcome = co_await a.exec({.argv = {"sh", "-c", script}, .user = test::myself(), .detach = true});
    CHECK_FALSE(std::filesystem::exists(dir / "done"));
    (void)host::write_file(dir / "go", "", 0600);
    bool ended = co_await a.until([&] { return std::filesystem::exists(dir / "done"); });
    CHECK(ended);
  });
  CHECK(outcome.starts == 1);
  CHECK(outcome.ended);
  CHECK(outcome.exit.code == 0);
  CHECK(outcome.out.empty());
  CHECK(*host::read_file(dir / "ends", 1000) == "/dev/null\n/dev/null\n/dev/null\n");
}

TEST_CASE("a detached command: one that does not exist is named") {
  test::Outcome outcome;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    outcome = co_await a.exec({.argv = {"no-such-command"}, .user = test::myself(), .detach = true});
  });
  CHECK(outcome.exit.code == 127);
  CHECK(outcome.exit.message == "'no-such-command': command not found in the guest");
}

TEST_CASE("a detached command: it needs no shell, and is reaped") {
  test::Outcome outcome;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    outcome = co_await a.exec({.argv = {"true"}, .user = test::myself(), .detach = true});
    // Without a child, waiting fails.
    bool reaped = co_await a.until([] {
      siginfo_t status{};
      return ::waitid(P_ALL, 0, &status, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
    });
    CHECK(reaped);
  });
  CHECK(outcome.exit.code == 0);
}

TEST_CASE("a detached command: the image's own gets the image's stop signal") {
  test::TempDir dir;
  Agent agent;
  auto script =
      "trap 'touch " + (dir / "quit") + "; exit' QUIT; touch " + (dir / "on") + "; while :; do sleep 0.01; done";
  agent.context->config.image = {.entrypoint = {"sh", "-c", script}, .stop_signal = "SIGQUIT"};
  agent.run([&](Agent& a) -> Task<> {
    (void)co_await a.exec({.user = test::myself(), .main = link::MainCommand::yes, .detach = true});
    bool on = co_await a.until([&] { return std::filesystem::exists(dir / "on"); });
    CHECK(on);
    CHECK_FALSE(a.context->main_commands.empty());
    (void)co_await a.call("POST", "/shutdown");
    bool ended = co_await a.until([&] { return a.context->main_commands.empty() && a.shutdowns.size() == 1; });
    CHECK(ended);
  });
  CHECK(std::filesystem::exists(dir / "quit"));
}
