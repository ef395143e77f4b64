// Sessions from a client's side. The keepers are threads of this process (harness.h).
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "link/session_spec.h"
#include "roles/agent/bounds.h"
#include "roles/agent/harness.h"

using namespace banger;
using link::FrameType;
using test::Agent;

namespace {

std::string body(const std::string& name, std::vector<std::string> argv,
                 link::SessionInput input = link::SessionInput::pipe, const std::string& cwd = "",
                 std::vector<std::string> required = {}) {
  link::SessionSpec spec{.name = name,
                         .input = input,
                         .required = std::move(required),
                         .command = {.argv = std::move(argv), .cwd = cwd, .user = test::myself()}};
  return dump_json(link::to_json(spec));
}

std::vector<std::string> shell(std::string script) { return {"sh", "-c", std::move(script)}; }

Task<Json> started(Agent& a, std::string text) {
  auto session = co_await a.call("POST", "/sessions", std::move(text));
  if (session) co_return *session;
  FAIL_CHECK(session.error().sentence());
  co_return Json{{"pid", 0}};
}

Task<std::string> state_of(Agent& a, std::string name) {
  auto session = co_await a.call("GET", "/sessions/show?session=" + name);
  co_return session ? session->at("state").get<std::string>() : session.error().message;
}

Task<> wait_for_state(Agent& a, std::string name, std::string state) {
  for (int i = 0; i < 3000; ++i) {
    if (co_await state_of(a, name) == state) co_return;
    co_await a.runtime.sleep_for(std::chrono::milliseconds(10));
  }
  FAIL_CHECK("waited for " + state);
}

Task<std::string> log_of(Agent& a, std::string name, std::string more = "") {
  auto log = co_await a.open("GET", "/sessions/logs?session=" + name + more);
  co_await log->read();
  co_return log->outcome().out + "|" + log->outcome().err;
}

Task<std::shared_ptr<test::Exec>> attach(Agent& a, std::string name, std::string more = "") {
  co_return co_await a.open("POST", "/sessions/attach?session=" + name + more);
}

// Reads until the output has the text.
Task<> expect(std::shared_ptr<test::Exec> client, std::string text) {
  co_await client->read([text](const auto& outcome) { return outcome.out.find(text) != std::string::npos; });
  CHECK(client->outcome().out.find(text) != std::string::npos);
}

const std::string kEcho = "while read line; do echo got $line; done; echo end";

}  // namespace

TEST_CASE("sessions: one runs without clients, and its output and end are kept") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto session = co_await started(a, body("one", shell("echo out; echo err >&2; exit 3")));
    CHECK(session["name"] == "one");
    CHECK(session["command"] == "sh -c 'echo out; echo err >&2; exit 3'");
    co_await wait_for_state(a, "one", "exited");
    auto shown = co_await a.call("GET", "/sessions/show?session=one");
    CHECK(shown->at("code") == 3);
    CHECK(shown->at("ended_ms").get<std::int64_t>() >= shown->at("started_ms").get<std::int64_t>());
    auto all = co_await log_of(a, "one"), only = co_await log_of(a, "one", "&stream=stderr");
    auto later = co_await log_of(a, "one", "&since_ms=9000000000000");
    CHECK(all == "out\n|err\n");
    CHECK(only == "|err\n");
    CHECK(later == "|");
    auto list = co_await a.call("GET", "/sessions");
    CHECK(list->at("sessions").size() == 1);
    auto removed = co_await a.call("DELETE", "/sessions?session=one");
    CHECK(removed.has_value());
    auto text1 = co_await state_of(a, "one");
    CHECK(text1 == "the VM has no session 'one'");
  });
}

TEST_CASE("sessions: what cannot start is kept with its reason") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto lost = co_await a.call("POST", "/sessions", body("dir", {"true"}, link::SessionInput::none, "/nonexistent"));
    auto needy = co_await a.call("POST", "/sessions",
                                 body("tool", {"true"}, link::SessionInput::none, "/", {"sh", "no-such-tool"}));
    auto missing = co_await a.call("POST", "/sessions", body("cmd", {"no-such-command"}));
    auto named = co_await a.call("POST", "/sessions", body("no/name", {"true"}));
    CHECK(lost.error().message == "start session 'dir': '/nonexistent' is not a directory in the guest");
    CHECK(needy.error().message ==
          "start session 'tool': the guest has no command 'no-such-tool' (hint: install it in the guest)");
    CHECK(missing.error().message == "start session 'cmd': 'no-such-command': command not found in the guest");
    CHECK(named.error().code == ErrorCode::invalid);
    auto list = co_await a.call("GET", "/sessions");
    REQUIRE(list->at("sessions").size() == 3);
    for (const auto& session : list->at("sessions")) {
      CHECK(session["state"] == "failed");
      CHECK_FALSE(session["reason"].get<std::string>().empty());
    }
  });
}

TEST_CASE("sessions: an attached client gets the scrollback and then what is new, and may leave and come back") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await started(a, body("one", shell("echo first; " + kEcho)));
    auto client = co_await attach(a, "one");
    co_await expect(client, "first\n");
    CHECK(client->outcome().starts == 1);
    CHECK(client->outcome().positions.at(0).out == 0);
    co_await client->send(FrameType::stdin_data, "a\n");
    co_await expect(client, "first\ngot a\n");
    client.reset();
    auto sent = co_await a.call("POST", "/sessions/send?session=one", "b\n");
    CHECK(sent.has_value());
    // The agent notices the end of the first client.
    auto again = co_await attach(a, "one", "&steal=1&scrollback=6");
    co_await again->send(FrameType::stdin_data, "c\n");
    co_await expect(again, "got c\n");
    CHECK(again->outcome().out.find("first") == std::string::npos);
    auto place = again->outcome().positions.at(0).out;
    CHECK(place + again->outcome().out.size() == std::string("first\ngot a\ngot b\ngot c\n").size());
    co_await again->send(FrameType::stdin_end);
    co_await again->read();
    CHECK(again->outcome().out.ends_with("got c\nend\n"));
    CHECK(again->outcome().ended);
    CHECK(again->outcome().exit.message.empty());
    auto late = co_await a.call("POST", "/sessions/attach?session=one");
    CHECK(late.error().message ==
          "session 'one' has ended (hint: its log and its end are kept: 'banger vm session "
          "logs' and 'show')");
  });
}

TEST_CASE("sessions: one client writes, others read, and one may take over") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await started(a, body("one", shell(kEcho)));
    auto writer = co_await attach(a, "one");
    co_await writer->send(FrameType::stdin_data, "1\n");
    co_await expect(writer, "got 1\n");
    auto refused = co_await a.call("POST", "/sessions/attach?session=one");
    CHECK(refused.error().code == ErrorCode::busy);
    auto shown = co_await a.call("GET", "/sessions/show?session=one");
    CHECK(shown->at("attached") == true);
    auto reader = co_await attach(a, "one", "&read_only=1"), other = co_await attach(a, "one", "&read_only=1");
    co_await reader->send(FrameType::stdin_data, "from a reader\n");
    auto thief = co_await attach(a, "one", "&steal=1");
    co_await writer->read();
    CHECK(writer->outcome().exit.message == "another client has taken session 'one' over");
    co_await thief->send(FrameType::stdin_data, "2\n");
    for (const auto& client : {thief, reader, other}) {
      co_await expect(client, "got 1\ngot 2\n");
      CHECK(client->outcome().out == "got 1\ngot 2\n");
    }
  });
}

TEST_CASE("sessions: a client that does not read holds up nobody, and learns what it has missed") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    constexpr std::uint64_t most = 40'000'000;
    co_await started(a, body("one", shell("read go; head -c 40000000 /dev/zero; echo; sleep 0.1; echo end")));
    auto slow = co_await attach(a, "one");
    co_await slow->send(FrameType::stdin_data, "go\n");
    co_await wait_for_state(a, "one", "exited");
    co_await slow->read();
    const auto& outcome = slow->outcome();
    CHECK(outcome.ended);
    CHECK(outcome.exit.message.empty());
    CHECK(outcome.out.ends_with("end\n"));
    REQUIRE(outcome.positions.size() >= 2);
    CHECK(outcome.out.size() < most);
    auto log = co_await a.open("GET", "/sessions/logs?session=one");
    co_await log->read();
    CHECK(log->outcome().positions.at(0).out + log->outcome().out.size() == most + 5);
    CHECK(log->outcome().out.size() <= limits::kSessionLogBytes);
  });
}

TEST_CASE("sessions: bytes that are no frames end their client only") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await started(a, body("one", shell(kEcho)));
    for (const std::string& bytes :
         {std::string("\xff\xff\xff\xff\xff"), std::string("\x02\x7f\xff\xff\xff"), std::string("\x13\0\0\0\0", 5)}) {
      auto client = co_await attach(a, "one", "&steal=1");
      (void)co_await client->stream().write(bytes);
      co_await client->read();
      CHECK_FALSE(client->outcome().ended);
    }
    auto sent = co_await a.call("POST", "/sessions/send?session=one&close=1", "x\n");
    CHECK(sent.has_value());
    co_await wait_for_state(a, "one", "exited");
    auto text2 = co_await log_of(a, "one");
    CHECK(text2 == "got x\nend\n|");
  });
}

TEST_CASE("sessions: input of any bytes reaches the command, and one without input takes none") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    std::string bytes;
    for (int i = 0; i < 300'000; ++i) bytes += static_cast<char>(i * 7);
    co_await started(a, body("all", {"cat"}));
    auto sent = co_await a.call("POST", "/sessions/send?session=all&close=1", bytes);
    CHECK(sent.has_value());
    co_await wait_for_state(a, "all", "exited");
    auto text3 = co_await log_of(a, "all");
    CHECK(text3 == bytes + "|");
    co_await started(a, body("none", shell("cat; sleep 100"), link::SessionInput::none));
    auto refused = co_await a.call("POST", "/sessions/send?session=none", "x");
    CHECK(refused.error().code == ErrorCode::unsupported);
  });
}

TEST_CASE("sessions: a terminal has a size, and its input an end that is only a key") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await started(a, body("tty", shell("stty -echo; stty size; cat; echo more; read x; stty size; sleep 100"),
                             link::SessionInput::pty));
    auto client = co_await attach(a, "tty");
    co_await expect(client, "24 80\r\n");
    auto resized = co_await a.call("POST", "/sessions/resize?session=tty&rows=30&cols=100");
    CHECK(resized.has_value());
    co_await client->send(FrameType::stdin_end);
    co_await expect(client, "more\r\n");
    co_await client->send(FrameType::stdin_data, "x\n");
    co_await expect(client, "30 100\r\n");
  });
}

TEST_CASE("sessions: signals, a gentle stop, and one that needs SIGKILL") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await started(a, body("usr", shell("trap 'echo usr' USR1; echo ready; while :; do sleep 0.05; done")));
    auto client = co_await attach(a, "usr");
    co_await expect(client, "ready\n");
    auto signalled = co_await a.call("POST", fmt::format("/sessions/signal?session=usr&number={}", SIGUSR1));
    CHECK(signalled.has_value());
    co_await expect(client, "usr\n");
    auto stopped = co_await a.call("POST", "/sessions/stop?session=usr&timeout_ms=20000");
    REQUIRE(stopped.has_value());
    CHECK(stopped->at("state") == "exited");
    CHECK(stopped->at("signal") == SIGTERM);
    co_await started(a, body("deaf", shell("trap '' TERM; echo ready; while :; do sleep 0.05; done")));
    auto deaf = co_await attach(a, "deaf");
    co_await expect(deaf, "ready\n");
    auto killed = co_await a.call("POST", "/sessions/stop?session=deaf&timeout_ms=50");
    REQUIRE(killed.has_value());
    CHECK(killed->at("signal") == SIGKILL);
    auto again = co_await a.call("POST", "/sessions/stop?session=deaf");
    CHECK(again.error().code == ErrorCode::unavailable);
    co_await started(a, body("tty", shell("trap '' TERM; echo ready; sleep 100"), link::SessionInput::pty));
    auto hung_up = co_await a.call("POST", "/sessions/stop?session=tty&timeout_ms=20000");
    REQUIRE(hung_up.has_value());
    CHECK(hung_up->at("signal") == SIGHUP);
  });
}

TEST_CASE("sessions: requests that make no sense are refused with a sentence") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await started(a, body("one", shell("sleep 100")));
    for (std::string path : {"/sessions/signal?session=one&number=65", "/sessions/signal?session=one&number=x",
                             "/sessions/stop?session=one&timeout_ms=-1", "/sessions/resize?session=one&rows=99999"}) {
      auto refused = co_await a.call("POST", path);
      CHECK(refused.error().code == ErrorCode::invalid);
    }
    auto unknown = co_await a.call("GET", "/sessions/show?session=..%2F..");
    CHECK(unknown.error().code == ErrorCode::not_found);
    auto no_terminal = co_await a.call("POST", "/sessions/resize?session=one&rows=1&cols=1");
    CHECK(no_terminal.error().code == ErrorCode::unsupported);
    auto twice = co_await a.call("POST", "/sessions", body("one", {"true"}));
    CHECK(twice.error().code == ErrorCode::exists);
    auto busy = co_await a.call("DELETE", "/sessions?session=one");
    CHECK(busy.error().code == ErrorCode::busy);
    for (std::string text :
         {"", "{", R"({"name":"x","input":"file","command":{"argv":["true"]}})", R"({"name":"x"})"}) {
      auto refused = co_await a.call("POST", "/sessions", text);
      CHECK(refused.error().code == ErrorCode::invalid);
    }
  });
}
