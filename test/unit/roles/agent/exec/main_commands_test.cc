// The image's stop signal, and ending the main command with it.
#include "roles/agent/exec/main_commands.h"

#include <signal.h>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("main commands: a stop signal is a name or a number, and otherwise SIGTERM") {
  CHECK(stop_signal("SIGQUIT") == SIGQUIT);
  CHECK(stop_signal("quit") == SIGQUIT);
  CHECK(stop_signal("sigWinch") == SIGWINCH);
  CHECK(stop_signal("9") == SIGKILL);
  CHECK(stop_signal("SIGRTMIN") == 34);
  CHECK(stop_signal("SIGRTMIN+3") == 37);
  CHECK(stop_signal("RTMAX-1") == 63);
  for (const char* other : {"", "SIG", "SIGFOO", "0", "-9", "65", "99999999999", "SIGRTMIN+31", "SIGRTMAX-99",
                            "SIGRTMIN+", "SIGRTMIN+x", "15x"}) {
    INFO(other);
    CHECK(stop_signal(other) == SIGTERM);
  }
}

TEST_CASE("main commands: the end of the guest sends the image's signal to the main command first") {
  test::Outcome main, other;
  test::Agent agent;
  agent.context->config.image = {.entrypoint = {"sh", "-c",
                                                "trap 'echo quit; exit 4' QUIT; echo on; "
                                                "while :; do sleep 0.01; done"},
                                 .stop_signal = "SIGQUIT"};
  agent.run([&](test::Agent& a) -> Task<> {
    auto running = co_await a.start({.user = test::myself(), .main = link::MainCommand::yes});
    auto beside = co_await a.start({.argv = {"sh", "-c", "echo on; exec sleep 60"}, .user = test::myself()});
    co_await running->read([](const auto& outcome) { return outcome.out == "on\n"; });
    co_await beside->read([](const auto& outcome) { return outcome.out == "on\n"; });
    CHECK_FALSE(a.context->main_commands.empty());
    (void)co_await a.call("POST", "/shutdown");
    co_await running->read();
    main = running->outcome();
    other = beside->outcome();
    bool asked = co_await a.until([&] { return a.shutdowns.size() == 1; });
    CHECK(asked);
    CHECK(a.context->main_commands.empty());
  });
  CHECK(main.out == "on\nquit\n");
  CHECK(main.exit.code == 4);
  CHECK(main.exit.ending);
  CHECK_FALSE(other.ended);
}

TEST_CASE("main commands: an image's user counts only for requests without one") {
  test::Outcome unknown, root;
  test::Agent agent;
  agent.context->config.image = {.user = "no-such-user"};
  agent.run([&](test::Agent& a) -> Task<> {
    unknown = co_await a.exec({.argv = {"true"}});
    root = co_await a.exec({.argv = {"true"}, .user = test::myself()});
  });
  CHECK(unknown.exit.code == 125);
  CHECK(unknown.exit.message ==
        "the user of the image: there is no user 'no-such-user' in the guest (hint: run it as root: -u root)");
  CHECK(root.exit.code == 0);
}
