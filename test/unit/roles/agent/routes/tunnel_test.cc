// CONNECT from a client's side, to real listeners.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

namespace {

// Accepts one connection on a thread and passes it to `talk`.
class Listener {
 public:
  explicit Listener(std::function<void(int)> talk) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_.get(), 1) == 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, talk = std::move(talk)] {
      UniqueFd peer(::accept(fd_.get(), nullptr, nullptr));
      if (peer) talk(peer.get());
    });
  }
  ~Listener() {
    ::shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::uint16_t port = 0;

 private:
  UniqueFd fd_;
  std::thread thread_;
};

std::string read_to_end(int fd) {
  std::string all;
  char buffer[65536];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(got));
  return all;
}

Task<std::unique_ptr<link::ClientStream>> connect(Agent& agent, std::string authority) {
  auto stream = co_await agent.client->open({.method = "CONNECT", .path = std::move(authority)});
  if (!stream) co_return nullptr;
  co_return std::move(*stream);
}

Task<std::string> read_all(link::ClientStream& stream) {
  std::string all;
  for (;;) {
    auto bytes = co_await stream.read();
    if (!bytes || bytes->empty()) co_return all;
    all += *bytes;
  }
}

}  // namespace

TEST_CASE("tunnel: carries both directions, and ends each on its own") {
  // Answers only after the client's side has ended, which proves that the end arrived alone.
  std::string seen;
  Listener listener([&](int fd) {
    seen = read_to_end(fd);
    (void)host::write_all(fd, "answer to " + std::to_string(seen.size()));
  });
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto stream = co_await connect(a, fmt::format("127.0.0.1:{}", listener.port));
    if (!stream) {
      FAIL_CHECK("open");
      co_return;
    }
    auto status = co_await stream->status(host::after(std::chrono::seconds(30)));
    CHECK(status.value_or(0) == 200);
    for (int i = 0; i < 30; ++i) (void)co_await stream->write(std::string(100'000, 'x'));
    (void)co_await stream->finish();
    auto answer = co_await read_all(*stream);
    CHECK(answer == "answer to 3000000");
  });
}

TEST_CASE("tunnel: a server that ends first can still be written to") {
  std::string seen;
  std::atomic<bool> done = false;
  {
    Listener listener([&](int fd) {
      (void)host::write_all(fd, "greeting");
      ::shutdown(fd, SHUT_WR);
      seen = read_to_end(fd);
      done = true;
    });
    Agent agent;
    agent.run([&](Agent& a) -> Task<> {
      auto stream = co_await connect(a, fmt::format("localhost:{}", listener.port));
      if (!stream) {
        FAIL_CHECK("open");
        co_return;
      }
      auto greeting = co_await read_all(*stream);
      CHECK(greeting == "greeting");
      auto written = co_await stream->write("late words");
      CHECK(written.has_value());
      (void)co_await stream->finish();
      bool arrived = co_await a.until([&] { return done.load(); });
      CHECK(arrived);
    });
  }
  CHECK(seen == "late words");
}

TEST_CASE("tunnel: a client that goes away resets the connection, which would look whole otherwise") {
  std::string seen = "nothing";
  int error = 0;
  std::atomic<bool> done = false;
  {
    Listener listener([&](int fd) {
      errno = 0;
      seen = read_to_end(fd);
      error = errno;
      done = true;
    });
    Agent agent;
    agent.run([&](Agent& a) -> Task<> {
      auto stream = co_await connect(a, fmt::format("127.0.0.1:{}", listener.port));
      if (!stream) {
        FAIL_CHECK("open");
        co_return;
      }
      (void)co_await stream->status(host::after(std::chrono::seconds(30)));
      stream.reset();
      bool ended = co_await a.until([&] { return done.load(); });
      CHECK(ended);
    });
  }
  CHECK(seen.empty());
  CHECK(error == ECONNRESET);
}

TEST_CASE("tunnel: a connection that the server resets is not a clean end") {
  Listener listener([](int fd) {
    linger hard{.l_onoff = 1, .l_linger = 0};  // closing sends a reset
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    char byte;
    [[maybe_unused]] auto got = ::read(fd, &byte, 1);
  });
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto stream = co_await connect(a, fmt::format("127.0.0.1:{}", listener.port));
    if (!stream) {
      FAIL_CHECK("open");
      co_return;
    }
    (void)co_await stream->write("two bytes at least");
    auto end = co_await stream->read();
    CHECK(!end);
  });
}

TEST_CASE("tunnel: no listener, no such name, no address: each is an error") {
  std::uint16_t closed_port = 0;
  {
    Listener listener([](int) {});
    closed_port = listener.port;
  }
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    for (auto [authority, word] : {std::pair{fmt::format("127.0.0.1:{}", closed_port), "refused"},
                                   {std::string("no.such.host.invalid:80"), "cannot resolve"},
                                   {std::string("127.0.0.1:0"), "not an address"}}) {
      auto stream = co_await connect(a, authority);
      if (!stream) {
        FAIL_CHECK("open");
        co_return;
      }
      auto status = co_await stream->status(host::after(std::chrono::seconds(30)));
      auto body = co_await read_all(*stream);
      CHECK(status.value_or(0) >= 400);
      CHECK(body.find(word) != std::string::npos);
    }
  });
}

TEST_CASE("tunnel: the agent's SSH server answers where nobody listens on its port") {
  Agent agent;
  auto& options = const_cast<Options&>(agent.context->options);
  // A port that was free a moment ago.
  options.ssh_port = Listener([](int) {}).port;
  std::thread server;
  options.start_ssh = [&](const std::string&, UniqueFd socket, int) -> Result<std::optional<host::Child>> {
    server = std::thread([fd = std::make_shared<UniqueFd>(std::move(socket))] {
      auto seen = read_to_end(fd->get());
      (void)host::write_all(fd->get(), "answer to " + seen);
    });
    return std::optional<host::Child>();
  };
  auto place = fmt::format("127.0.0.1:{}", options.ssh_port);
  agent.run([&](Agent& a) -> Task<> {
    auto refused = co_await connect(a, place);
    if (!refused) {
      FAIL_CHECK("open");
      co_return;
    }
    auto before = co_await refused->status(host::after(std::chrono::seconds(30)));
    CHECK((before && *before != 200));
    a.context->config.ssh_host_key = guestcfg::SshHostKey{.private_key = "private", .public_key = "public"};
    auto stream = co_await connect(a, place);
    if (!stream) {
      FAIL_CHECK("open again");
      co_return;
    }
    auto status = co_await stream->status(host::after(std::chrono::seconds(30)));
    CHECK((status && *status == 200));
    (void)co_await stream->write("hello");
    (void)co_await stream->finish();
    auto answer = co_await read_all(*stream);
    CHECK(answer == "answer to hello");
  });
  if (server.joinable()) server.join();
}
