// The loops of a name server over real sockets. Any bytes are questions here, because only the answerer reads them.
#include "net/dns_service.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "catch.h"
#include "net/bounds.h"
#include "net/dns_stream.h"
#include "support/run.h"

using namespace banger;
using namespace banger::net;
using namespace std::chrono_literals;

namespace {

constexpr host::Ipv4 kServer = 0x7f000001, kGuest = 0x7f000005, kOther = 0x7f000006;

sockaddr_in at(host::Endpoint where) {
  return {.sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
}

std::uint16_t port_of(const UniqueFd& socket) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
  return ntohs(own.sin_port);
}

struct Fixture {
  Fixture() : released(runtime) {
    auto sockets = open_dns_sockets({kServer, 0});
    REQUIRE(sockets);
    udp_port = port_of(sockets->udp);
    tcp_port = port_of(sockets->tcp);
    auto made = answer_dns_on(runtime, std::move(*sockets), [this](std::string query, host::Ipv4 from, DnsCarrier by) {
      return answer(std::move(query), from, by);
    });
    REQUIRE(made);
    server = std::move(*made);
  }
  // "wait" is answered once released, "none" never.
  Task<std::optional<std::string>> answer(std::string query, host::Ipv4 from, DnsCarrier by) {
    ++asked;
    if (query == "wait") co_await released.wait();
    if (query == "none") co_return std::nullopt;
    co_return fmt::format("{} {:x} {}", query, from, by == DnsCarrier::udp ? "udp" : "tcp");
  }
  UniqueFd client(int type, host::Ipv4 from = kGuest) const {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    auto own = at({from, 0}), to = at({kServer, type == SOCK_DGRAM ? udp_port : tcp_port});
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return fd;
  }
  /// What arrives there first, "" at the end of a stream. nullopt: nothing for a while.
  std::optional<std::string> heard(const UniqueFd& fd, std::chrono::milliseconds patience = 30s) {
    return test::run(runtime, hear(runtime, fd.get(), patience));
  }
  static Task<std::optional<std::string>> hear(host::Runtime& runtime, int fd, std::chrono::milliseconds patience) {
    auto readable = co_await host::wait_readable(runtime, fd, host::after(patience));
    if (!readable || !*readable) co_return std::nullopt;
    char buffer[2000];
    auto got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) co_return "error";
    co_return std::string(buffer, static_cast<std::size_t>(got));
  }
  void pass_time(std::chrono::milliseconds time = 20ms) { test::run(runtime, runtime.sleep_for(time)); }

  host::Runtime runtime;
  host::Event released;
  std::size_t asked = 0;
  std::uint16_t udp_port = 0, tcp_port = 0;
  std::unique_ptr<DnsServer> server;
};

void send(const UniqueFd& fd, const std::string& bytes) {
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("dns service: each answer is for the address that has asked, by the way it came") {
  Fixture f;
  for (auto from : {kGuest, kOther}) {
    auto datagrams = f.client(SOCK_DGRAM, from), stream = f.client(SOCK_STREAM, from);
    send(datagrams, "a");
    CHECK(f.heard(datagrams) == fmt::format("a {:x} udp", from));
    send(stream, framed_dns_message("b"));
    CHECK(f.heard(stream) == framed_dns_message(fmt::format("b {:x} tcp", from)));
  }
  CHECK(f.server->endpoint() == host::Endpoint{kServer, f.tcp_port});
}

TEST_CASE("dns service: a question that waits for its answer holds up no other one") {
  Fixture f;
  auto patient = f.client(SOCK_DGRAM), quick = f.client(SOCK_DGRAM), stream = f.client(SOCK_STREAM);
  send(patient, "wait");
  send(quick, "a");
  CHECK(f.heard(quick) == "a 7f000005 udp");
  send(stream, framed_dns_message("b"));
  CHECK(f.heard(stream) == framed_dns_message("b 7f000005 tcp"));
  f.released.notify_all();
  CHECK(f.heard(patient) == "wait 7f000005 udp");
}

TEST_CASE("dns service: questions on one connection are answered in their order, in any pieces") {
  Fixture f;
  auto stream = f.client(SOCK_STREAM);
  auto bytes = framed_dns_message("wait") + framed_dns_message("a");
  for (char c : bytes.substr(0, 7)) {
    send(stream, std::string(1, c));
    f.pass_time(1ms);
  }
  send(stream, bytes.substr(7));
  CHECK_FALSE(f.heard(stream, 20ms));
  CHECK(f.asked == 1);
  f.released.notify_all();
  std::string all;
  auto expected = framed_dns_message("wait 7f000005 tcp") + framed_dns_message("a 7f000005 tcp");
  while (all.size() < expected.size()) {
    auto more = f.heard(stream);
    REQUIRE(more);
    REQUIRE(!more->empty());
    all += *more;
  }
  CHECK(all == expected);
}

TEST_CASE("dns service: where there is no answer, a datagram is lost, a connection ends") {
  Fixture f;
  auto datagrams = f.client(SOCK_DGRAM), stream = f.client(SOCK_STREAM);
  send(datagrams, "none");
  CHECK_FALSE(f.heard(datagrams, 20ms));
  send(datagrams, "a");
  CHECK(f.heard(datagrams) == "a 7f000005 udp");
  send(stream, framed_dns_message("none"));
  CHECK(f.heard(stream) == "");
}

TEST_CASE("dns service: questions that are too long are no questions") {
  Fixture f;
  auto datagrams = f.client(SOCK_DGRAM), stream = f.client(SOCK_STREAM);
  send(datagrams, std::string(limits::kDnsMessageBytes + 1, 'x'));
  send(stream, framed_dns_message(std::string(limits::kDnsMessageBytes + 1, 'x')).substr(0, 2));
  CHECK(f.heard(stream) == "");
  CHECK(f.asked == 0);
  send(datagrams, std::string(limits::kDnsMessageBytes, 'x'));
  CHECK(f.heard(datagrams));
  CHECK(f.asked == 1);
}

TEST_CASE("dns service: a bounded number of questions waits, further ones are lost, and no asker takes all") {
  Fixture f;
  constexpr int kPart = limits::kDnsRelayed / limits::kDnsParts;
  auto ask = [&](host::Ipv4 from) {
    auto guest = f.client(SOCK_DGRAM, from);
    for (int i = 0; i < kPart + 50; ++i) {
      send(guest, "wait");
      // The socket's buffer takes only some of them at once.
      if (i % 10 == 0) f.pass_time(1ms);
    }
    f.pass_time();
    return guest;
  };
  auto guest = ask(kGuest);
  CHECK(f.asked == static_cast<std::size_t>(kPart));
  std::vector<UniqueFd> others;
  for (host::Ipv4 i = 1; i <= limits::kDnsParts; ++i) others.push_back(ask(kGuest + i));
  CHECK(f.asked == static_cast<std::size_t>(limits::kDnsRelayed));
  f.released.notify_all();
  f.pass_time();
  send(guest, "none");
  f.pass_time();
  CHECK(f.asked == static_cast<std::size_t>(limits::kDnsRelayed) + 1);
}

TEST_CASE("dns service: an answer is dropped when the server has gone meanwhile") {
  Fixture f;
  auto guest = f.client(SOCK_DGRAM);
  send(guest, "wait");
  f.pass_time();
  REQUIRE(f.asked == 1);
  f.server.reset();
  f.released.notify_all();
  CHECK_FALSE(f.heard(guest, 20ms));
}

TEST_CASE("dns service: after its end a connection gets no answers any more, and the ports are free") {
  Fixture f;
  auto stream = f.client(SOCK_STREAM);
  send(stream, framed_dns_message("a"));
  CHECK(f.heard(stream) == framed_dns_message("a 7f000005 tcp"));
  f.server.reset();
  send(stream, framed_dns_message("b"));
  CHECK(f.heard(stream) == "");
  CHECK(f.asked == 1);
  CHECK(open_dns_sockets({kServer, f.udp_port}));
}

TEST_CASE("dns service: a port that is in use by either way is an error") {
  Fixture f;
  for (auto port : {f.udp_port, f.tcp_port}) {
    auto again = open_dns_sockets({kServer, port});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == ErrorCode::busy);
  }
}
