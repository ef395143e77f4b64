// One line each way, with servers that answer and servers that misbehave.
#include "engine/line_exchange.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "catch.h"
#include "host/bounds.h"
#include "host/unix_socket.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMost = 1000;

struct Fixture {
  /// The client's result while a server treats its connection like that.
  Result<LineAnswer> exchange(std::function<void(const UniqueFd& client)> serve, const std::string& request = "ask\n") {
    (void)::unlink((directory / "s").c_str());
    auto listener = host::listen_unix(directory / "s");
    REQUIRE(listener);
    std::thread server([&] {
      UniqueFd client(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
      serve(client);
    });
    auto answer = ask(request);
    server.join();
    return answer;
  }
  Result<LineAnswer> ask(const std::string& request = "ask\n") {
    LineServer where{directory / "s", user, "the server", "read its log"};
    return test::run(runtime, exchange_lines(runtime, where, request, kMost, host::after(patience)));
  }
  /// Until the client's line is whole, or the client has gone.
  void read_line(const UniqueFd& client) {
    std::vector<UniqueFd> none;
    heard.clear();
    while (!heard.ends_with('\n'))
      if (auto more = host::receive_with_fds(client.get(), heard, none); !more || !*more) break;
  }

  test::TempDir directory;
  host::Runtime runtime;
  uid_t user = ::geteuid();
  std::chrono::milliseconds patience = 30s;
  std::string heard;  ///< by the server
};

void send(const UniqueFd& fd, std::string_view bytes, std::span<const UniqueFd> fds = {}) {
  (void)host::send_with_fds(fd.get(), bytes, fds);
}

/// Until the other end closes.
void wait_for_end(const UniqueFd& fd) {
  char byte;
  while (::recv(fd.get(), &byte, 1, 0) > 0) {
  }
}

}  // namespace

TEST_CASE("line exchange: a line goes there, and one comes back") {
  Fixture f;
  auto answer = f.exchange([&](const UniqueFd& client) {
    f.read_line(client);
    send(client, "an ");
    std::this_thread::sleep_for(5ms);
    send(client, "answer");
    std::this_thread::sleep_for(5ms);
    send(client, "\n");
  });
  REQUIRE(answer);
  CHECK(answer->line == "an answer");
  CHECK(answer->fds.empty());
  CHECK(f.heard == "ask\n");
}

TEST_CASE("line exchange: a request that is larger than the socket's buffer waits for the server") {
  Fixture f;
  std::string request(1 << 20, 'x');
  request += '\n';
  auto answer = f.exchange(
      [&](const UniqueFd& client) {
        f.read_line(client);
        send(client, "ok\n");
      },
      request);
  REQUIRE(answer);
  CHECK(f.heard == request);
}

TEST_CASE("line exchange: descriptors come with the answer") {
  Fixture f;
  auto answer = f.exchange([&](const UniqueFd& client) {
    f.read_line(client);
    std::vector<UniqueFd> two;
    for (int i = 0; i < 2; ++i) two.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    send(client, "two\n", two);
  });
  REQUIRE(answer);
  REQUIRE(answer->fds.size() == 2);
  for (const auto& fd : answer->fds) CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("line exchange: a server that does not answer in time is an error that says where to look") {
  Fixture f;
  f.patience = 50ms;
  auto answer = f.exchange([&](const UniqueFd& client) {
    send(client, "an answer without its end");
    wait_for_end(client);
  });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::timeout);
  CHECK(answer.error().message == "the server did not answer in time");
  CHECK(answer.error().hint == "read its log");
}

TEST_CASE("line exchange: a server that closes early is an error, whatever it has sent") {
  Fixture f;
  for (std::string_view sent : {"", "an answer without its end"}) {
    auto answer = f.exchange([&](const UniqueFd& client) {
      f.read_line(client);
      if (!sent.empty()) send(client, sent);
    });
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::unavailable);
    CHECK(answer.error().message == "the server closed the connection without an answer");
    CHECK(answer.error().hint == "read its log");
  }
}

TEST_CASE("line exchange: an answer has a largest size, with its end or without") {
  Fixture f;
  for (auto [size, good] : {std::pair{kMost - 1, true}, {kMost, false}, {100 * kMost, false}}) {
    auto answer = f.exchange([&, bytes = size](const UniqueFd& client) {
      f.read_line(client);
      send(client, std::string(bytes, 'x') + "\n");
      wait_for_end(client);
    });
    CHECK(answer.has_value() == good);
    if (!answer) CHECK(answer.error().code == ErrorCode::invalid);
  }
}

TEST_CASE("line exchange: more descriptors than any server sends are refused") {
  Fixture f;
  auto answer = f.exchange([&](const UniqueFd& client) {
    f.read_line(client);
    std::vector<UniqueFd> one;
    one.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (std::size_t i = 0; i <= limits::kPassedFds; ++i) send(client, "x", one);
    wait_for_end(client);
  });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::invalid);
}

TEST_CASE("line exchange: the server of another user does not learn the request") {
  Fixture f;
  f.user = ::geteuid() + 1;
  auto answer = f.exchange([&](const UniqueFd& client) { f.read_line(client); });
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::denied);
  CHECK(f.heard.empty());
}

TEST_CASE("line exchange: without a server there is an error at once") {
  Fixture f;
  auto answer = f.ask();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::not_found);
  CHECK(answer.error().message.starts_with("reach the server: "));
}
