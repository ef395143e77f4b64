// POST /exec with a terminal.
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;
using link::FrameType;
using test::Agent;

namespace {

bool runs(const std::vector<std::string>& argv) {
  for (auto& entry : std::filesystem::directory_iterator("/proc")) {
    auto found = host::process_argv(std::atoi(entry.path().filename().c_str()));
    if (found && *found == argv) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("exec tty: a terminal of the given size and type") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto told = co_await a.exec(
        {.argv = {"sh", "-c", "stty size; tty -s && echo $TERM; test -t 0 && test -t 1 && test -t 2; echo $?"},
         .tty = true,
         .rows = 33,
         .cols = 111,
         .term = "vt100"});
    CHECK(told.out == "33 111\r\nvt100\r\n0\r\n");
    CHECK(told.err.empty());
    CHECK(told.exit.code == 0);
  });
}

TEST_CASE("exec tty: a resize is seen by the program") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start(
        {.argv = {"sh", "-c", "trap 'stty size; exit 6' WINCH; echo ready; while :; do sleep 0.05; done"},
         .tty = true});
    co_await exec->read([](const test::Outcome& o) { return o.out.find("ready") != std::string::npos; });
    co_await exec->send(FrameType::resize, std::string("\0\x28\0\x7b", 4));
    co_await exec->read();
    CHECK(exec->outcome().out.find("40 123") != std::string::npos);
    CHECK(exec->outcome().exit.code == 6);
  });
}

TEST_CASE("exec tty: Ctrl-C on the terminal interrupts the foreground program") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "echo ready; exec sleep 1000"}, .tty = true});
    co_await exec->read([](const test::Outcome& o) { return o.out.find("ready") != std::string::npos; });
    co_await exec->send(FrameType::stdin_data, "\x03");
    co_await exec->read();
    CHECK(exec->outcome().exit.signal == SIGINT);
  });
}

TEST_CASE("exec tty: a signal frame goes to the foreground job, not to the shell") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    // The job has the terminal before it becomes `sleep`; its odd duration distinguishes it from any other process.
    std::string seconds = "1000." + std::to_string(::getpid());
    auto exec = co_await a.start(
        {.argv = {"sh", "-c", "set -m; echo ready; sleep " + seconds + "; echo ended $?; exit 9"}, .tty = true});
    bool running = co_await a.until([&] { return runs({"sleep", seconds}); });
    CHECK(running);
    co_await exec->send(FrameType::signal, std::string(1, SIGTERM));
    co_await exec->read();
    CHECK(exec->outcome().out.find("ended 143") != std::string::npos);
    CHECK(exec->outcome().exit.code == 9);
  });
}

TEST_CASE("exec tty: the end of stdin is an end of file, after an unfinished line too") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (std::string input : {"", "line\n", "unfinished"}) {
      auto exec = co_await a.start({.argv = {"sh", "-c", "stty -echo; echo ready; cat"}, .tty = true});
      co_await exec->read([](const test::Outcome& o) { return o.out.find("ready") != std::string::npos; });
      co_await exec->send(FrameType::stdin_data, input);
      co_await exec->send(FrameType::stdin_end);
      co_await exec->read();
      CHECK(exec->outcome().exit.code == 0);
      CHECK(exec->outcome().ended);
      CHECK(exec->outcome().out.find(input.substr(0, input.find('\n'))) != std::string::npos);
    }
  });
}

TEST_CASE("exec tty: a client that goes away hangs the terminal up") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "set -m; echo $$; sleep 1000"}, .tty = true});
    co_await exec->read([](const test::Outcome& o) { return o.out.find('\n') != std::string::npos; });
    pid_t shell = std::stoi(exec->outcome().out);
    exec.reset();
    bool gone = co_await a.until([=] { return !host::process_id(shell); });
    CHECK(gone);
  });
}
