// The server for a correct client: answers, errors, progress, cancelling, stopping, and refused users.
#include "rpc/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "catch.h"
#include "fixture.h"
#include "rpc/bounds.h"

using namespace banger;
using namespace banger::rpc;
using test::Daemon;
using test::Raw;
using test::request;

TEST_CASE("server: a call is answered, another on the same connection too") {
  Daemon daemon;
  auto client = daemon.client();
  CHECK(client.call("echo", {{"a", "ü\n"}}) == Json{{"a", "ü\n"}});
  CHECK(client.call("echo", {}) == Json::object());
}

TEST_CASE("server: an error arrives with its code, errno and hint") {
  Daemon daemon;
  auto failed = daemon.client().call("fail", {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::exhausted);
  CHECK(failed.error().sentence() == "disk: No space left on device (hint: make room)");
  CHECK(failed.error().sys_errno == 28);
}

TEST_CASE("server: an unknown method is named, with the nearest one") {
  Daemon daemon;
  auto failed = daemon.client().call("ecko", {});
  CHECK(failed.error().code == ErrorCode::not_found);
  CHECK(failed.error().sentence() == "unknown method 'ecko' (hint: did you mean 'echo'?)");
  Raw raw(daemon.connect());
  raw.send(request(1, "nothing"));
  CHECK(raw.json().at("error").at("code") == -32601);
}

TEST_CASE("server: a method that throws is an internal error, and the daemon continues") {
  Daemon daemon;
  auto client = daemon.client();
  CHECK(client.call("throw", {}).error().code == ErrorCode::internal);
  CHECK(client.call("echo", {{"a", 1}}));
}

TEST_CASE("server: answers come as they are ready, not in order") {
  Daemon daemon;
  auto client = daemon.client();
  auto slow = client.send("gate", {});
  auto quick = client.send("echo", {});
  auto first = client.receive();
  REQUIRE(first);
  CHECK(first->id == *quick);
  daemon.open_gate();
  auto second = client.receive();
  REQUIRE(second);
  CHECK(second->id == *slow);
  CHECK(second->result == "through");
}

TEST_CASE("server: a closed connection, plain or a stream, is reported to its watcher; a stopping server is not") {
  Daemon daemon;
  {
    auto client = daemon.client();
    REQUIRE(client.call("watch_close", {}));
    REQUIRE(client.call("echo", {}));
  }
  daemon.await_closed(1);
  {
    auto client = daemon.client();
    REQUIRE(client.call("watch_close", {}));
    auto stream = std::move(client).open_stream("stream_echo", {});
    REQUIRE(stream);
  }
  daemon.await_closed(2);
  auto client = daemon.client();
  REQUIRE(client.call("watch_close", {}));
  daemon.stop();
  CHECK(daemon.closed() == 2);
}

TEST_CASE("server: progress reaches the caller before the answer") {
  Daemon daemon;
  auto client = daemon.client();
  std::vector<int> percents;
  auto result = client.call("progress", {{"count", 5}, {"bytes", 3}}, [&](const ProgressUpdate& update) {
    CHECK(update.stage == "step");
    CHECK(update.detail == "xxx");
    percents.push_back(update.percent);
  });
  CHECK(result == Json("done"));
  CHECK(percents == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("server: unread progress is dropped, the answer is not") {
  Daemon daemon;
  int seen = 0;
  auto client = daemon.client();
  auto result = client.call("progress", {{"count", 100000}, {"bytes", 100000}}, [&](const ProgressUpdate& update) {
    CHECK(update.detail.size() == limits::kRpcProgressBytes);
    ++seen;
  });
  CHECK(result == Json("done"));
  CHECK(seen == static_cast<int>(limits::kRpcProgressQueued));
}

TEST_CASE("server: an answer over the limit of a message becomes an error") {
  Daemon daemon;
  auto client = daemon.client();
  CHECK(client.call("big", {{"bytes", limits::kRpcMessageBytes - 100}}));
  CHECK(client.call("big", {{"bytes", limits::kRpcMessageBytes}}).error().code == ErrorCode::exhausted);
  CHECK(client.call("echo", {}));
}

TEST_CASE("server: a caller that goes away cancels all its calls") {
  Daemon daemon;
  {
    auto client = daemon.client();
    for (int i = 0; i < 3; ++i) REQUIRE(client.send("wait", {}));
    daemon.await_started(3);
  }
  daemon.await_cancelled(3);
}

TEST_CASE("server: the end of a plain caller's bytes cancels its calls, and ended calls are still answered") {
  Daemon daemon;
  Raw raw(daemon.connect());
  raw.send(request(1, "wait"));
  daemon.await_started(1);
  raw.half_close();
  CHECK(raw.json().at("error").at("data").at("code") == "cancelled");
  CHECK(raw.line() == "");
}

TEST_CASE("server: calls over the limit in flight are busy, the others continue") {
  Daemon daemon;
  auto client = daemon.client();
  for (std::size_t i = 0; i < limits::kRpcInFlight; ++i) REQUIRE(client.send("gate", {}));
  auto refused = client.call("echo", {});
  CHECK(refused.error().code == ErrorCode::busy);
  daemon.open_gate();
  for (std::size_t i = 0; i < limits::kRpcInFlight; ++i) {
    auto reply = client.receive();
    REQUIRE(reply);
    CHECK(reply->result == "through");
  }
  CHECK(client.call("echo", {}));
}

TEST_CASE("server: a connection over the limit is refused with the reason when all others are busy") {
  Daemon daemon;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < limits::kRpcConnections; ++i) {
    clients.push_back(daemon.client());
    REQUIRE(clients.back().send("gate", {}));
    REQUIRE(clients.back().call("echo", {}));  // so the first call is there too
  }
  auto refused = daemon.client().call("echo", {});
  CHECK(refused.error().code == ErrorCode::busy);
  CHECK(refused.error().message.find("256 clients") != std::string::npos);
  daemon.force_gate();
  CHECK(clients.front().receive());
}

TEST_CASE("server: silent clients keep nobody out, because the one that was idle longest makes room") {
  Daemon daemon;
  std::vector<Client> silent;
  for (std::size_t i = 0; i < limits::kRpcConnections; ++i) silent.push_back(daemon.client());
  REQUIRE(silent.front().call("echo", {}));  // idle for the shortest time
  auto late = daemon.client();
  CHECK(late.call("echo", {}));
  CHECK(silent.front().call("echo", {}));
  CHECK(silent.at(1).call("echo", {}).error().code == ErrorCode::unavailable);
}

TEST_CASE("server: a silent client whose end something waits for does not make room for others") {
  Daemon daemon;
  auto keeper = daemon.client();
  REQUIRE(keeper.call("watch_close", {}));  // it is idle for the longest time
  std::vector<Client> silent;
  for (std::size_t i = 1; i < limits::kRpcConnections; ++i) silent.push_back(daemon.client());
  REQUIRE(silent.back().call("echo", {}));
  auto late = daemon.client();
  CHECK(late.call("echo", {}));
  CHECK(keeper.call("echo", {}));
  CHECK(silent.front().call("echo", {}).error().code == ErrorCode::unavailable);
}

TEST_CASE("server: one costly call of a connection runs at a time, and a cheap one does not wait behind them") {
  Daemon daemon;
  auto greedy = daemon.client();
  for (std::size_t i = 0; i < limits::kRpcInFlight - 1; ++i) REQUIRE(greedy.send("costly_gate", {}));
  daemon.await_started(1);
  CHECK(greedy.call("echo", {}));
  auto other = daemon.client();
  REQUIRE(other.send("costly_gate", {}));
  daemon.await_started(2);
  CHECK(daemon.started() == 2);
  daemon.open_gate();
  CHECK(other.receive());
}

TEST_CASE("server: calls of a client that has gone are not begun") {
  Daemon daemon;
  {
    auto greedy = daemon.client();
    REQUIRE(greedy.call("watch_close", {}));
    for (std::size_t i = 0; i < limits::kRpcInFlight; ++i) REQUIRE(greedy.send("costly_gate", {}));
    daemon.await_started(1);
  }
  daemon.open_gate();
  daemon.await_closed(1);
  CHECK(daemon.started() == 1);
}

TEST_CASE("server: stop cancels the calls, answers them and closes") {
  Daemon daemon;
  auto waiting = daemon.client();
  auto idle = daemon.client();
  REQUIRE(idle.call("echo", {}));
  REQUIRE(waiting.send("wait", {}));
  daemon.await_started(1);
  daemon.stop();
  auto reply = waiting.receive();
  REQUIRE(reply);
  CHECK(reply->error.code == ErrorCode::cancelled);
  CHECK(waiting.receive().error().message == "the daemon went away");
  CHECK(idle.call("echo", {}).error().code == ErrorCode::unavailable);
  CHECK_FALSE(host::connect_unix(daemon.path()));
}

TEST_CASE("server: stop does not wait for ever for a call that does not end") {
  Daemon daemon;
  auto stuck = daemon.client();
  REQUIRE(stuck.send("gate", {}));
  daemon.await_started(1);
  // The loop ends only when the call does, so end the call after its connection was closed.
  std::thread opener([&] {
    CHECK(stuck.receive().error().code == ErrorCode::unavailable);
    daemon.force_gate();
  });
  daemon.stop(std::chrono::milliseconds(20));
  opener.join();
}

TEST_CASE("server: another user is refused with the reason") {
  if (::geteuid() != 0) return;  // only root can become another user
  Daemon daemon;
  REQUIRE(::chmod(daemon.path().c_str(), 0666) == 0);
  REQUIRE(::chmod(daemon.directory().c_str(), 0755) == 0);
  int pipe_fds[2];
  REQUIRE(::pipe(pipe_fds) == 0);
  pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(3);
    auto refused = daemon.client().call("echo", {});
    bool right = !refused && refused.error().code == ErrorCode::denied &&
                 refused.error().message.find("65534") != std::string::npos;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(daemon.client().call("echo", {}));
}
