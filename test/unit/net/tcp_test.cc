// TCP streams over loopback, both ends ours.
#include "net/tcp.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio.hpp>

#include "base/unique_fd.h"
#include "catch.h"
#include "support/run.h"

using namespace banger;

namespace {

constexpr host::Ipv4 kLoopback = 0x7f400001;  // the host has no such address, but all of 127/8 is

UniqueFd connect_to(const host::Endpoint& where) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{
      .sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  return fd;
}

Result<std::unique_ptr<net::TcpStream>> connect(host::Runtime& runtime, host::Endpoint where,
                                                std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  return test::run(runtime, net::connect_tcp(runtime, where, host::after(patience)));
}

struct Pair {
  host::Runtime runtime;
  std::unique_ptr<net::TcpListener> listener;
  UniqueFd client;
  std::unique_ptr<net::TcpStream> stream;

  Pair() {
    auto made = net::listen_tcp(runtime, {kLoopback, 0});
    REQUIRE(made.has_value());
    listener = std::move(*made);
    client = connect_to(listener->endpoint());
    auto accepted = test::run(runtime, listener->accept());
    runtime.io().restart();
    REQUIRE(accepted.has_value());
    stream = std::move(*accepted);
  }
};

}  // namespace

TEST_CASE("tcp: bytes go both ways, and each direction ends by itself") {
  Pair pair;
  REQUIRE(::send(pair.client.get(), "ping", 4, 0) == 4);
  ::shutdown(pair.client.get(), SHUT_WR);
  CHECK(test::run(pair.runtime, pair.stream->read()) == "ping");
  pair.runtime.io().restart();
  CHECK(test::run(pair.runtime, pair.stream->read()) == "");
  pair.runtime.io().restart();
  CHECK(test::run(pair.runtime, pair.stream->write("pong")).has_value());
  pair.stream->shutdown_write();
  char buffer[16];
  CHECK(::recv(pair.client.get(), buffer, sizeof buffer, 0) == 4);
  CHECK(::recv(pair.client.get(), buffer, sizeof buffer, 0) == 0);
}

TEST_CASE("tcp: a stream that is reset ends with an error at its peer") {
  Pair pair;
  pair.stream->reset_at_end();
  pair.stream.reset();
  char byte;
  CHECK(::recv(pair.client.get(), &byte, 1, 0) < 0);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("tcp: the kernel watches over a quiet connection") {
  Pair pair;
  UniqueFd quiet(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::keep_alive(quiet.get());
  int on = 0;
  socklen_t size = sizeof on;
  REQUIRE(::getsockopt(quiet.get(), SOL_SOCKET, SO_KEEPALIVE, &on, &size) == 0);
  CHECK(on == 1);
}

TEST_CASE("tcp: a stream knows whose process is at its other end") {
  Pair pair;
  CHECK(pair.stream->is_from(::geteuid()));
  CHECK(pair.stream->is_from(::geteuid() + 1) == (::geteuid() == 0));
}

TEST_CASE("tcp: a read that takes too long is a timeout") {
  Pair pair;
  auto read = test::run(pair.runtime, pair.stream->read(host::after(std::chrono::milliseconds(20))));
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().code == ErrorCode::timeout);
}

TEST_CASE("tcp: a write to a peer that does not read is a timeout") {
  Pair pair;
  auto written = test::run(pair.runtime,
                           pair.stream->write(std::string(64 << 20, 'x'), host::after(std::chrono::milliseconds(50))));
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == ErrorCode::timeout);
}

TEST_CASE("tcp: destroying a stream or listener ends what waits on it") {
  Pair pair;
  std::vector<ErrorCode> ended;
  pair.runtime.spawn([](net::TcpStream* stream, std::vector<ErrorCode>* out) -> Task<> {
    auto read = co_await stream->read();
    out->push_back(read ? ErrorCode::internal : read.error().code);
  }(pair.stream.get(), &ended));
  pair.runtime.spawn([](net::TcpListener* listener, std::vector<ErrorCode>* out) -> Task<> {
    auto accepted = co_await listener->accept();
    out->push_back(accepted ? ErrorCode::internal : accepted.error().code);
  }(pair.listener.get(), &ended));
  pair.runtime.spawn([](Pair* all) -> Task<> {
    co_await all->runtime.sleep_for(std::chrono::milliseconds(10));
    all->stream.reset();
    all->listener.reset();
  }(&pair));
  pair.runtime.run();
  CHECK(ended == std::vector{ErrorCode::cancelled, ErrorCode::cancelled});
}

TEST_CASE("tcp: a stream knows both of its ends until it is closed") {
  Pair pair;
  sockaddr_in own{};
  socklen_t size = sizeof own;
  REQUIRE(::getsockname(pair.client.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
  auto ends = pair.stream->ends();
  CHECK(ends.here == pair.listener->endpoint());
  CHECK(ends.there == host::Endpoint{ntohl(own.sin_addr.s_addr), ntohs(own.sin_port)});
  // Where netfilter follows connections, one that nobody has redirected wanted to go here.
  CHECK(pair.stream->wanted().value_or(ends.here) == ends.here);
}

TEST_CASE("tcp: connects to a listener, and the ends of both streams are each other's") {
  Pair pair;
  auto out = connect(pair.runtime, pair.listener->endpoint());
  REQUIRE(out);
  auto in = test::run(pair.runtime, pair.listener->accept());
  REQUIRE(in);
  CHECK((*out)->ends().there == (*in)->ends().here);
  CHECK((*out)->ends().here == (*in)->ends().there);
  REQUIRE(test::run(pair.runtime, (*out)->write("ping")));
  CHECK(test::run(pair.runtime, (*in)->read()) == "ping");
}

TEST_CASE("tcp: connecting to a port where nobody listens is an error that names it") {
  Pair pair;
  auto where = pair.listener->endpoint();
  pair.listener.reset();
  auto refused = connect(pair.runtime, where);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unavailable);
  CHECK(refused.error().message.find(host::to_string(where)) != std::string::npos);
}

TEST_CASE("tcp: connecting to a host that does not answer is a timeout") {
  // The kernel answers no further connection while the queue of this one is full.
  UniqueFd full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(kLoopback)}, .sin_zero = {}};
  socklen_t size = sizeof at;
  REQUIRE(::bind(full.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(::listen(full.get(), 0) == 0);
  REQUIRE(::getsockname(full.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  host::Endpoint where{kLoopback, ntohs(at.sin_port)};
  auto first = connect_to(where);
  host::Runtime runtime;
  auto late = connect(runtime, where, std::chrono::milliseconds(50));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::timeout);
}

TEST_CASE("tcp: this host's addresses are its own, others are not") {
  CHECK(net::is_own_address(0x7f000001));
  CHECK_FALSE(net::is_own_address(0xc0000201));  // for examples only
  CHECK_FALSE(net::is_own_address(0xffffffff));
}

TEST_CASE("tcp: a port in use is an error, and is free again after its listener") {
  Pair pair;
  auto where = pair.listener->endpoint();
  auto again = net::listen_tcp(pair.runtime, where);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == ErrorCode::busy);
  CHECK(again.error().message.find("127.64.0.1:") != std::string::npos);
  pair.listener.reset();  // the connection it accepted is still there
  CHECK(net::listen_tcp(pair.runtime, where).has_value());
}
