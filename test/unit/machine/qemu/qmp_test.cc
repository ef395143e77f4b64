#include "machine/qemu/qmp.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "machine/qemu/bounds.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;
using namespace std::chrono_literals;

namespace {

// The server's end of a control socket. It sends the first line at once, and each further line as the answer to a
// command. Then it does what `after` says.
class Server {
 public:
  enum class After { listen, close, stop_reading };
  explicit Server(std::vector<std::string> lines, After after = After::listen) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    theirs_ = UniqueFd(pair[0]);
    thread_ = std::thread([fd = UniqueFd(pair[1]), lines = std::move(lines), after, wait = &stop_]() mutable {
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0 && !read_line(fd.get())) return;
        if (::send(fd.get(), lines[i].data(), lines[i].size(), MSG_NOSIGNAL) < 0) return;
      }
      if (after == After::stop_reading) wait->wait(false);
      if (after == After::listen)
        while (read_line(fd.get())) {
        }
    });
  }
  ~Server() {
    theirs_.reset();
    stop_ = true;
    stop_.notify_all();
    qmp.reset();
    thread_.join();
  }

  Result<> open(Qmp::OnEvent on_event = {}, std::chrono::milliseconds limit = 10s) {
    auto opened = run(runtime, Qmp::open(runtime, std::move(theirs_), std::move(on_event), host::after(limit)));
    if (!opened) return std::unexpected(opened.error());
    qmp = std::move(*opened);
    return {};
  }
  Result<Json> execute(std::string command, Json arguments = nullptr, std::chrono::milliseconds limit = 10s) {
    return run(runtime, qmp->execute(std::move(command), std::move(arguments), host::after(limit)));
  }
  host::Runtime runtime;
  std::unique_ptr<Qmp> qmp;

 private:
  static bool read_line(int fd) {
    for (char c = 0; c != '\n';)
      if (::read(fd, &c, 1) != 1) return false;
    return true;
  }
  UniqueFd theirs_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

const std::string kGreeting = "{\"QMP\": {}}\r\n";
const std::string kReady = "{\"return\": {}, \"id\": 1}\r\n";

}  // namespace

TEST_CASE("qmp: greets, negotiates, then commands get their own replies") {
  Server server({kGreeting, kReady, "{\"return\": {\"n\": 2}, \"id\": 2}\r\n",
                 "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": 3}\r\n"});
  REQUIRE(server.open());
  auto first = server.execute("query-status");
  REQUIRE(first);
  CHECK((*first)["n"] == 2);
  auto second = server.execute("stop");
  REQUIRE(!second);
  CHECK(second.error().message == "QMP stop: no");
}

TEST_CASE("qmp: events reach the handler, also between a command and its reply") {
  Server server({kGreeting, kReady, "{\"event\": \"POWERDOWN\"}\n{\"return\": {}, \"id\": 2}\n"});
  std::string seen;
  REQUIRE(server.open([&seen](const QmpEvent& event) { seen += event.name + event.data; }));
  REQUIRE(server.execute("system_powerdown"));
  CHECK(seen == "POWERDOWN{}");
}

TEST_CASE("qmp: a late reply to a command that was given up is not taken for another one's") {
  Server server({kGreeting, kReady, "", "{\"return\": {\"n\": 2}, \"id\": 2}\n{\"return\": {\"n\": 3}, \"id\": 3}\n"});
  REQUIRE(server.open());
  auto given_up = server.execute("stop", nullptr, 1ms);
  REQUIRE(!given_up);
  CHECK(given_up.error().code == ErrorCode::timeout);
  auto answered = server.execute("cont");
  REQUIRE(answered);
  CHECK((*answered)["n"] == 3);
}

TEST_CASE("qmp: a silent server is a timeout, a closed one is unavailable") {
  Server silent({});
  auto timed_out = silent.open({}, 1ms);
  REQUIRE(!timed_out);
  CHECK(timed_out.error().code == ErrorCode::timeout);
  Server gone({}, Server::After::close);
  auto closed = gone.open();
  REQUIRE(!closed);
  CHECK(closed.error().code == ErrorCode::unavailable);
}

TEST_CASE("qmp: garbage ends the connection and fails the call") {
  for (std::string text :
       {std::string("SSH-2.0-OpenSSH\r\n"), std::string("[1]\n"), std::string("{\"QMP\": {}}\n\xff\n")}) {
    INFO(text);
    Server server({text});
    auto opened = server.open();
    REQUIRE(!opened);
    CHECK(opened.error().message.find("does not speak QMP") != std::string::npos);
  }
}

TEST_CASE("qmp: an endless line ends the connection") {
  Server server({kGreeting, kReady, std::string(2 * limits::kQmpLineBytes, 'x')});
  REQUIRE(server.open());
  auto reply = server.execute("stop");
  REQUIRE(!reply);
  CHECK(reply.error().message.find("longer than 1M") != std::string::npos);
  CHECK(!server.qmp->connected());
}

TEST_CASE("qmp: a server that does not read is given up, not waited for") {
  Server server({kGreeting, kReady}, Server::After::stop_reading);
  REQUIRE(server.open());
  std::optional<Error> error;
  for (int i = 0; i < 100'000 && !error; ++i) {
    auto reply = server.execute("x", std::string(60'000, 'y'), 0ms);
    if (!reply && reply.error().code != ErrorCode::timeout) error = reply.error();
  }
  REQUIRE(error);
  CHECK(error->message.find("does not read") != std::string::npos);
  CHECK(!server.qmp->connected());
}

TEST_CASE("qmp: unanswered commands are limited") {
  Server server({kGreeting, kReady});
  REQUIRE(server.open());
  for (std::size_t i = 0; i < limits::kQmpInFlight; ++i)
    server.runtime.spawn([](Task<Result<Json>> call) -> Task<> {
      (void)co_await std::move(call);
    }(server.qmp->execute("stop", nullptr, host::after(10s))));
  auto refused = server.execute("stop");
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
}

TEST_CASE("qmp: the end of the server ends a waiting command") {
  Server server({kGreeting, kReady, ""}, Server::After::close);
  REQUIRE(server.open());
  auto reply = server.execute("stop");
  REQUIRE(!reply);
  CHECK(reply.error().code == ErrorCode::unavailable);
}

TEST_CASE("qmp: destroying the client ends a waiting command") {
  Server server({kGreeting, kReady});
  REQUIRE(server.open());
  auto both = [](host::Runtime* runtime, std::unique_ptr<Qmp> client) -> Task<Result<Json>> {
    auto call = client->execute("stop", nullptr, host::after(10s));
    // The call begins at the await below; this runs while it waits.
    runtime->spawn([](host::Runtime* loop, std::unique_ptr<Qmp> last) -> Task<> {
      co_await loop->sleep_for(0ms);
      last.reset();
    }(runtime, std::move(client)));
    co_return co_await std::move(call);
  };
  auto reply = run(server.runtime, both(&server.runtime, std::move(server.qmp)));
  REQUIRE(!reply);
  CHECK(reply.error().code == ErrorCode::cancelled);
}
