// POST /exec from a client's side: the command, its user, and the report of its end.
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;
using link::FrameType;
using test::Agent;

namespace {

// Runs one command to its end.
test::Outcome run(link::ExecSpec spec) {
  test::Outcome outcome;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> { outcome = co_await a.exec(spec); });
  return outcome;
}

test::Outcome shell(std::string script) { return run({.argv = {"sh", "-c", std::move(script)}}); }

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) count += !entry.path().empty();
  return count;
}

}  // namespace

TEST_CASE("exec: sends the exit code") {
  CHECK(run({.argv = {"true"}}).exit.code == 0);
  CHECK(run({.argv = {"false"}}).exit.code == 1);
  auto seven = shell("exit 7");
  CHECK(seven.starts == 1);
  CHECK(seven.ended);
  CHECK(seven.exit.code == 7);
  CHECK(seven.exit.signal == 0);
}

TEST_CASE("exec: sends the signal that ended the command") {
  auto killed = shell("kill -9 $$");
  CHECK(killed.ended);
  CHECK(killed.exit.signal == 9);
}

TEST_CASE("exec: a command that the guest's end has ended says so") {
  test::Outcome before, killed, done;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    before = co_await a.exec({.argv = {"sh", "-c", "kill -HUP $$"}});
    (void)a.context->run_dir.mark_ending();
    killed = co_await a.exec({.argv = {"sh", "-c", "kill -HUP $$"}});
    done = co_await a.exec({.argv = {"true"}});
  });
  CHECK_FALSE(before.exit.ending);
  CHECK(killed.exit.signal == SIGHUP);
  CHECK(killed.exit.ending);
  CHECK_FALSE(done.exit.ending);
}

TEST_CASE("exec: keeps stdout and stderr apart") {
  auto both = shell("echo out; echo err >&2; echo more");
  CHECK(both.out == "out\nmore\n");
  CHECK(both.err == "err\n");
}

TEST_CASE("exec: delivers all output of a command that writes much and ends") {
  auto much = shell("head -c 20000000 /dev/zero; head -c 300000 /dev/zero >&2; exit 3");
  CHECK(much.out.size() == 20000000);
  CHECK(much.err.size() == 300000);
  CHECK(much.exit.code == 3);
}

TEST_CASE("exec: runs in the given directory with guest and request environment") {
  test::TempDir dir;
  auto told = run({.argv = {"sh", "-c", "pwd; echo $FROM_CONFIG $FROM_REQUEST"},
                   .env = {{"FROM_REQUEST", "a b"}},
                   .cwd = dir.path()});
  CHECK(told.out == dir.path() + "\nyes a b\n");
}

TEST_CASE("exec: every byte reaches the command, in arguments, variables and the directory") {
  std::string bytes;
  for (int byte = 1; byte < 0x100; ++byte) bytes += static_cast<char>(byte);
  test::TempDir dir;
  auto odd = dir / "\xff\xfe \n";
  REQUIRE(::mkdir(odd.c_str(), 0700) == 0);
  auto told = run(
      {.argv = {"sh", "-c", "printf '%s|%s|' \"$1\" \"$B\"; pwd -P", "sh", bytes}, .env = {{"B", bytes}}, .cwd = odd});
  CHECK(told.err == "");
  CHECK(told.out == bytes + "|" + bytes + "|" + odd + "\n");
  CHECK(run({.argv = {"printenv", "\xe9"}, .env = {{"\xe9", "1"}}}).out == "1\n");
  CHECK(run({.argv = {"\xff"}}).exit.message == "'\\xff': command not found in the guest");
  CHECK(run({.argv = {"true"}, .user = "\xff"}).exit.message == "there is no user '\\xff' in the guest");
}

TEST_CASE("exec: arguments may have the length that Linux allows, and the guest's Linux has the last word") {
  std::string longest(limits::kExecStringBytes, '"');
  auto told = run({.argv = {"sh", "-c", "printf %s \"$1$V\" | wc -c", "sh", longest}, .env = {{"V", "xyz"}}});
  CHECK(told.out == std::to_string(longest.size() + 3) + "\n");
  auto many = run({.argv = std::vector<std::string>(50'000, "echo")});
  CHECK(many.out.size() == 49'999 * 5);
  rlimit stack{};
  ::getrlimit(RLIMIT_STACK, &stack);
  if (stack.rlim_cur != 8 << 20) {
    fmt::print("SKIPPED: exec: too many arguments: the stack is not 8 MiB\n");
    return;
  }
  // The request's own texts fit, but the guest adds PATH, HOME and others.
  std::vector<std::string> words(limits::kExecBytes / 10 - 2, "a");
  words[0] = "true";
  auto full = run({.argv = words});
  CHECK(full.exit.code == 126);
  CHECK(full.exit.message.find("too long for the guest's Linux") != std::string::npos);
}

TEST_CASE("exec: a command that cannot run gives its code and a sentence") {
  auto missing = run({.argv = {"no-such-command"}});
  CHECK(missing.starts == 0);
  CHECK(missing.ended);
  CHECK(missing.exit.code == 127);
  CHECK(missing.exit.message == "'no-such-command': command not found in the guest");
  auto plain = run({.argv = {"/etc/passwd"}});
  CHECK(plain.exit.code == 126);
  CHECK(plain.exit.message == "'/etc/passwd' is not executable in the guest");
  auto lost = run({.argv = {"true"}, .cwd = "/nonexistent"});
  CHECK(lost.exit.code == 125);
  auto stranger = run({.argv = {"true"}, .user = "no-such-user"});
  CHECK(stranger.exit.code == 125);
  CHECK(stranger.exit.message == "there is no user 'no-such-user' in the guest");
}

TEST_CASE("exec: no argv is a login shell") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto shell = co_await a.start({});
    co_await shell->send(FrameType::stdin_data, "exit 5\n");
    co_await shell->read();
    CHECK(shell->outcome().exit.code == 5);
  });
}

TEST_CASE("exec: another user gets their ids, groups and outputs they can reopen") {
  if (::geteuid() != 0) return;
  auto told = run({.argv = {"sh", "-c", "id -u; id -g; echo again > /dev/stdout; echo $USER"}, .user = "nobody"});
  CHECK(told.err.empty());
  CHECK(told.out == "65534\n65534\nagain\nnobody\n");
  auto tty = run({.argv = {"sh", "-c", "id -u < /dev/tty"}, .user = "nobody", .tty = true});
  CHECK(tty.out == "65534\r\n");
}

TEST_CASE("exec: passes stdin of any size and its end") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto cat = co_await a.start({.argv = {"cat"}});
    std::string sent;
    for (int i = 0; sent.size() < 10'000'000; ++i) sent += std::to_string(i * 7919L);
    auto sender = [](std::shared_ptr<test::Exec> exec, const std::string* bytes) -> Task<> {
      for (std::size_t at = 0; at < bytes->size(); at += 60'000)
        co_await exec->send(FrameType::stdin_data, bytes->substr(at, 60'000));
      co_await exec->send(FrameType::stdin_end);
    };
    a.runtime.spawn(sender(cat, &sent));
    co_await cat->read();
    bool same = cat->outcome().out == sent;
    CHECK(same);
    CHECK(cat->outcome().exit.code == 0);
  });
}

TEST_CASE("exec: a command that closes its stdin early is not an error") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "exec <&-; echo closed; sleep 0.2; exit 4"}});
    co_await exec->read([](const test::Outcome& o) { return !o.out.empty(); });
    for (int i = 0; i < 40; ++i) co_await exec->send(FrameType::stdin_data, std::string(50'000, 'x'));
    co_await exec->read();
    CHECK(exec->outcome().exit.code == 4);
  });
}

TEST_CASE("exec: signals reach the command's whole group") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "sleep 1000 & echo $!; wait"}});
    co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
    pid_t child = std::stoi(exec->outcome().out);
    co_await exec->send(FrameType::signal, std::string(1, SIGTERM));
    co_await exec->read();
    CHECK(exec->outcome().exit.signal == SIGTERM);
    bool gone = co_await a.until([child] { return !host::process_id(child); });
    CHECK(gone);
  });
}

TEST_CASE("exec: a signal is confirmed, even if the command ignores it or reads no input") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "trap '' TERM; echo ready; exec sleep 1000"}});
    co_await exec->read([](const test::Outcome& o) { return !o.out.empty(); });
    CHECK(exec->outcome().starts == 1);
    co_await exec->send(FrameType::stdin_data, std::string(50'000, 'x'));
    co_await exec->send(FrameType::signal, std::string(1, SIGTERM));
    co_await exec->read([](const test::Outcome& o) { return o.starts == 2; });
    CHECK(exec->outcome().starts == 2);
    CHECK(!exec->outcome().ended);
  });
}

TEST_CASE("exec: signals arrive while the command's output is not read") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "trap '' TERM; yes"}});
    co_await exec->read([](const test::Outcome& o) { return !o.out.empty(); });
    for (int number : {SIGTERM, SIGTERM, SIGKILL})
      co_await exec->send(FrameType::signal, std::string(1, static_cast<char>(number)));
    co_await exec->read();
    CHECK(exec->outcome().exit.signal == SIGKILL);
  });
}

TEST_CASE("exec: a bad signal, resize or late frame type does no harm") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"cat"}});
    co_await exec->send(FrameType::signal, std::string(1, '\0'));
    co_await exec->send(FrameType::signal, "\xff");
    co_await exec->send(FrameType::signal);
    co_await exec->send(FrameType::resize, "xx");
    co_await exec->send(FrameType::resize, "abcd");
    co_await exec->send(FrameType::stdin_data, "still here");
    co_await exec->send(FrameType::stdin_end);
    co_await exec->send(FrameType::stdin_end);
    co_await exec->read();
    CHECK(exec->outcome().out == "still here");
    CHECK(exec->outcome().exit.code == 0);
  });
}

TEST_CASE("exec: an exec stream that does not begin with a spec is refused") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    for (std::string first : {std::string("\x02\0\0\0\1x", 6), std::string("\xee\0\0\0\0", 5),
                              std::string("\x01\xff\xff\xff\xff", 5), std::string("\x01\0\0\0\2[]", 7)}) {
      auto stream = co_await a.client->open({.method = "POST", .path = "/exec"});
      if (!stream) {
        FAIL_CHECK("open");
        co_return;
      }
      test::Exec exec(std::move(*stream));
      (void)co_await exec.stream().write(first);
      co_await exec.read();
      CHECK(exec.outcome().ended);
      CHECK(exec.outcome().exit.code == 125);
    }
  });
}

TEST_CASE("exec: a background process that keeps the output open does not delay the end") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto told = co_await a.exec({.argv = {"sh", "-c", "sleep 1000 & echo $! >&2; head -c 50000 /dev/zero; exit 3"}});
    CHECK(told.exit.code == 3);
    CHECK(told.out.size() == 50000);
    pid_t left = std::stoi(told.err);
    CHECK(host::process_id(left).has_value());  // it still runs: the command ended by itself
    ::kill(left, SIGKILL);
  });
}

TEST_CASE("exec: a background process that never stops writing does not delay the end") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto told = co_await a.exec({.argv = {"sh", "-c", "yes & echo $! >&2; exit 2"}});
    CHECK(told.exit.code == 2);
    ::kill(std::stoi(told.err), SIGKILL);
  });
}

TEST_CASE("exec: a client that goes away ends its command") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "sleep 1000 & echo $$ $!; wait"}});
    co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
    pid_t shell = 0, sleeper = 0;
    CHECK(std::sscanf(exec->outcome().out.c_str(), "%d %d", &shell, &sleeper) == 2);
    exec.reset();
    bool gone = co_await a.until([=] { return !host::process_id(shell) && !host::process_id(sleeper); });
    CHECK(gone);
  });
}

TEST_CASE("exec: a client that ends its side ends its command") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "echo $$; exec sleep 1000"}});
    co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
    pid_t pid = std::stoi(exec->outcome().out);
    (void)co_await exec->stream().finish();
    bool gone = co_await a.until([=] { return !host::process_id(pid); });
    CHECK(gone);
  });
}

TEST_CASE("exec: processes that ignore the hangup are killed, even when the group's leader has ended") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto stubborn = co_await a.start({.argv = {"sh", "-c", "trap '' HUP; echo $$; sleep 1000; sleep 1000"}});
    auto orphan = co_await a.start({.argv = {"sh", "-c", "(trap '' HUP; exec sleep 1000) & echo $!; wait"}});
    for (auto& exec : {stubborn, orphan})
      co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
    pid_t first = std::stoi(stubborn->outcome().out), second = std::stoi(orphan->outcome().out);
    stubborn.reset();
    orphan.reset();
    bool gone = co_await a.until([=] { return !host::process_id(first) && !host::process_id(second); });
    CHECK(gone);
  });
}

TEST_CASE("exec: a client that goes away while stdin is stuck is noticed") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto exec = co_await a.start({.argv = {"sh", "-c", "echo $$; exec sleep 1000"}});
    co_await exec->read([](const test::Outcome& o) { return o.out.ends_with('\n'); });
    pid_t pid = std::stoi(exec->outcome().out);
    // More than the window, the queue and the pipe hold together; the sender blocks.
    auto flood = [](test::Exec* target) -> Task<> {
      for (int i = 0; i < 100; ++i)
        if (!co_await target->send(FrameType::stdin_data, std::string(60'000, 'x'))) co_return;
    };
    a.runtime.spawn(flood(exec.get()));
    auto healthy = co_await a.call("GET", "/health");
    CHECK(healthy.has_value());
    exec.reset();
    bool gone = co_await a.until([=] { return !host::process_id(pid); });
    CHECK(gone);
  });
}

TEST_CASE("exec: a slow reader delays only its own command") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto flood = co_await a.start({.argv = {"yes"}});
    auto other = co_await a.exec({.argv = {"echo", "hello"}});
    CHECK(other.out == "hello\n");
    co_await flood->read([](const test::Outcome& o) { return o.out.size() > 5'000'000; });
    co_await flood->send(FrameType::signal, std::string(1, SIGTERM));
    co_await flood->read();
    CHECK(flood->outcome().exit.signal == SIGTERM);
  });
}

TEST_CASE("exec: leaves neither descriptors nor zombies") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    co_await a.exec({.argv = {"true"}});
    auto before = open_descriptors();
    for (int i = 0; i < 20; ++i) {
      co_await a.exec({.argv = {"true"}});
      co_await a.exec({.argv = {"true"}, .tty = true});
      co_await a.exec({.argv = {"no-such-command"}});
    }
    bool same = co_await a.until([before] { return open_descriptors() == before; });
    CHECK(same);
    bool no_children = ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
    CHECK(no_children);
  });
}

TEST_CASE("exec: many at once all end with their own code") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    int ended = 0, right = 0;
    auto one = [](Agent* agent_under_test, int code, int* done, int* correct) -> Task<> {
      auto told = co_await agent_under_test->exec({.argv = {"sh", "-c", "exit " + std::to_string(code)}});
      *correct += told.exit.code == code;
      ++*done;
    };
    for (int i = 0; i < 40; ++i) a.runtime.spawn(one(&a, i, &ended, &right));
    bool all = co_await a.until([&] { return ended == 40; });
    CHECK(all);
    CHECK(right == 40);
  });
}
