// The name server of guests over real sockets, with a server of the host that the test plays.
#include "net/dns_relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "catch.h"
#include "dns_wire.h"
#include "net/bounds.h"

using namespace banger;

namespace {

constexpr host::Ipv4 kLoopback = 0x7f000001;
constexpr int kPatienceMs = 30'000;

sockaddr_in at(const host::Endpoint& where) {
  return {.sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
}

host::Endpoint endpoint_of(int socket) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0);
  return {kLoopback, ntohs(own.sin_port)};
}

bool readable(const UniqueFd& fd, int ms = kPatienceMs) {
  pollfd waiting{fd.get(), POLLIN, 0};
  return ::poll(&waiting, 1, ms) == 1;
}

/// A question that arrived at the host's server.
struct Asked {
  std::string query;
  sockaddr_in from{};
};

struct Fixture {
  host::Runtime runtime;
  UniqueFd upstream{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::vector<host::Endpoint> servers;
  std::unique_ptr<net::DnsServer> server;
  std::thread loop;

  Fixture() {
    auto any = at({kLoopback, 0});
    REQUIRE(::bind(upstream.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    servers = {endpoint_of(upstream.get())};
    // The test asks at the address of the UDP socket. Port 0 gives both sockets ports of their own.
    auto sockets = net::open_dns_sockets({kLoopback, 0});
    REQUIRE(sockets);
    udp = endpoint_of(sockets->udp.get());
    auto made = net::relay_dns(runtime, std::move(*sockets),
                               {.address_of = [](std::string_view label) -> std::optional<host::Ipv4> {
                                  return label == "web" ? std::optional<host::Ipv4>(0xac100002) : std::nullopt;
                                },
                                .servers = [this] { return servers; }});
    REQUIRE(made);
    server = std::move(*made);
    loop = std::thread([this] { runtime.run(); });
  }
  ~Fixture() {
    runtime.stop();
    loop.join();
  }
  UniqueFd guest(int type = SOCK_DGRAM) const {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    auto to = at(type == SOCK_DGRAM ? udp : server->endpoint());
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return fd;
  }
  Asked next_question() const {
    REQUIRE(readable(upstream));
    char buffer[4096];
    Asked asked;
    socklen_t size = sizeof asked.from;
    auto got = ::recvfrom(upstream.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&asked.from), &size);
    asked.query.assign(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return asked;
  }
  void reply(const Asked& asked, const std::string& answer) const {
    ::sendto(upstream.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&asked.from),
             sizeof asked.from);
  }

  host::Endpoint udp{};
};

void send(const UniqueFd& fd, const std::string& bytes) {
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

std::string receive(const UniqueFd& fd) {
  REQUIRE(readable(fd));
  char buffer[70000];
  auto got = ::recv(fd.get(), buffer, sizeof buffer, 0);
  return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

// The query with the bit of an answer, and one record with that address.
std::string answer_to(const std::string& query, const std::string& address = std::string("\1\2\3\4", 4)) {
  auto text = query;
  text[2] = static_cast<char>(text[2] | '\x80');
  text[7] = 1;
  return text + std::string("\xc0\x0c", 2) + dns_wire::u16(1) + dns_wire::u16(1) + std::string(4, '\0') +
         dns_wire::u16(4) + address;
}

}  // namespace

TEST_CASE("dns relay: names of VMs are answered here, in any case of letters") {
  Fixture fixture;
  auto guest = fixture.guest();
  for (const char* name : {"web.vm", "WEB.VM"}) {
    send(guest, dns_wire::query({.name = name, .id = 7}));
    auto answer = dns_wire::parse(receive(guest));
    CHECK(answer.id == 7);
    CHECK(answer.records.at(1).data == std::string("\xac\x10\0\2", 4));
  }
  send(guest, dns_wire::query({.name = "none.vm"}));
  CHECK(dns_wire::parse(receive(guest)).rcode() == 3);
  CHECK(!readable(fixture.upstream, 0));
}

TEST_CASE("dns relay: other questions go to the host's server under another number, and the answer comes back") {
  Fixture fixture;
  auto guest = fixture.guest();
  bool differs = false;
  for (unsigned id = 1; id <= 4; ++id) {
    auto query = dns_wire::query({.name = "www.example.org", .id = id}, dns_wire::opt());
    send(guest, query);
    auto asked = fixture.next_question();
    CHECK(asked.query.substr(2) == query.substr(2));
    differs = differs || asked.query.substr(0, 2) != query.substr(0, 2);
    fixture.reply(asked, answer_to(asked.query));
    CHECK(receive(guest) == answer_to(query));
  }
  CHECK(differs);
}

TEST_CASE("dns relay: an answer to another question, or with another number, is not passed on") {
  Fixture fixture;
  auto guest = fixture.guest();
  auto query = dns_wire::query({.name = "www.example.org", .id = 1});
  send(guest, query);
  auto asked = fixture.next_question();
  auto forged = answer_to(dns_wire::query({.name = "www.example.net", .id = 1}));
  fixture.reply(asked, asked.query.substr(0, 2) + forged.substr(2));
  auto other_number = answer_to(asked.query, "bad!");
  other_number[0] = static_cast<char>(other_number[0] ^ 1);
  fixture.reply(asked, other_number);
  fixture.reply(asked, asked.query);  // no answer at all
  fixture.reply(asked, "x");
  fixture.reply(asked, answer_to(asked.query));
  CHECK(receive(guest) == answer_to(query));
}

TEST_CASE("dns relay: the next server is asked when nobody listens at the first one") {
  Fixture fixture;
  UniqueFd unused(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto any = at({kLoopback, 0});
  REQUIRE(::bind(unused.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
  auto nobody = endpoint_of(unused.get());
  unused.reset();
  fixture.servers.insert(fixture.servers.begin(), nobody);
  auto guest = fixture.guest();
  auto query = dns_wire::query({.name = "www.example.org"});
  send(guest, query);
  auto asked = fixture.next_question();
  fixture.reply(asked, answer_to(asked.query));
  CHECK(receive(guest) == answer_to(query));
}

TEST_CASE("dns relay: questions over TCP are asked over TCP, and those for VMs are answered here") {
  Fixture fixture;
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto any = at({kLoopback, 0});
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(listener.get(), 4) == 0);
  fixture.servers = {endpoint_of(listener.get())};
  std::string long_address(40'000, 'a');
  std::thread host([&] {
    UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
    std::string bytes;
    while (bytes.size() < 2 || bytes.size() < 2 + static_cast<unsigned char>(bytes[1])) bytes += receive(connection);
    auto answer = answer_to(bytes.substr(2), long_address);
    send(connection, dns_wire::u16(static_cast<unsigned>(answer.size())) + answer);
  });
  auto guest = fixture.guest(SOCK_STREAM);
  auto ask = [&](const std::string& query) {
    send(guest, dns_wire::u16(static_cast<unsigned>(query.size())) + query);
    std::string bytes;
    do bytes += receive(guest);
    while (bytes.size() < 2 || bytes.size() - 2 < (std::size_t{static_cast<unsigned char>(bytes[0])} << 8 |
                                                   static_cast<unsigned char>(bytes[1])));
    return bytes.substr(2);
  };
  auto query = dns_wire::query({.name = "www.example.org", .id = 5});
  CHECK(ask(query) == answer_to(query, long_address));
  host.join();
  CHECK(dns_wire::parse(ask(dns_wire::query({.name = "web.vm", .id = 6}))).rcode() == 0);
}

TEST_CASE("dns relay: which questions are answered here") {
  for (const char* name : {"vm", "web.vm", "a.b.VM"}) CHECK(net::is_answered_here(dns_wire::query({.name = name})));
  for (const char* name : {"org", "vm.org", "xvm", "web.vmx", ""})
    CHECK(!net::is_answered_here(dns_wire::query({.name = name})));
  auto query = dns_wire::query({.name = "www.example.org"});
  for (std::size_t size = 0; size < query.size(); ++size) CHECK(net::is_answered_here(query.substr(0, size)));
}
