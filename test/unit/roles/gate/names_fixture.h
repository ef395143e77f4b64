// A guest that asks, the gate, and two name servers outside, all on loopback addresses of this process.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "egress/dns_answers.h"
#include "net/bound_socket.h"
#include "net/dns_stream.h"
#include "roles/gate/names.h"
#include "support/run.h"

namespace banger::roles::gate {

inline constexpr host::Ipv4 kAsker = 0x7f000202, kStranger = 0x7f000203, kNameGate = 0x7f000201, kUpstream = 0x7f000205;
inline constexpr const char* kVm = "abcdefghijkl";

/// A name server whose answers the test chooses. It has one port for UDP and TCP.
class NameServer {
 public:
  using Parts = std::vector<dns_answers::Part>;
  explicit NameServer(host::Runtime& runtime) : released_(runtime) {
    for (int attempt = 0; attempt < 100 && !server_; ++attempt) {
      auto tcp = net::bound_socket(SOCK_STREAM, {kUpstream, 0}, 8);
      REQUIRE(tcp);
      sockaddr_in at{};
      socklen_t size = sizeof at;
      REQUIRE(::getsockname(tcp->get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
      endpoint = {kUpstream, ntohs(at.sin_port)};
      auto udp = net::bound_socket(SOCK_DGRAM, endpoint, 0);
      if (!udp) continue;
      auto made = net::answer_dns_on(
          runtime, {.udp = std::move(*udp), .tcp = std::move(*tcp)},
          [this](std::string query, net::Ipv4, net::DnsCarrier by) { return answer(std::move(query), by); });
      REQUIRE(made);
      server_ = std::move(*made);
    }
    REQUIRE(server_);
  }
  void release() {
    holds = false;
    released_.notify_all();
  }

  host::Endpoint endpoint;
  Parts parts;                         ///< of every answer
  unsigned udp_flags = 0x8180;         ///< of every answer over UDP
  bool holds = false;                  ///< answers wait for release()
  std::vector<std::string> questions;  ///< "udp web.vm"
  std::vector<unsigned> numbers;       ///< of the questions
  std::function<void()> on_question;   ///< called for each, before its answer

 private:
  Task<std::optional<std::string>> answer(std::string query, net::DnsCarrier by) {
    auto asked = dns_wire::parse(query);
    const auto& question = asked.records.at(0);
    bool udp = by == net::DnsCarrier::udp;
    questions.push_back((udp ? "udp " : "tcp ") + question.name);
    numbers.push_back(asked.id);
    if (on_question) on_question();
    while (holds) co_await released_.wait();
    bool truncated = udp && (udp_flags & 0x0200);
    co_return dns_answers::answer(
        {.name = question.name, .type = question.type, .id = asked.id, .flags = udp ? udp_flags : 0x8180},
        truncated ? Parts() : parts);
  }

  host::Event released_;
  std::unique_ptr<net::DnsServer> server_;
};

struct NamesFixture {
  explicit NamesFixture(bool with_vm_names = true) {
    auto sockets = net::open_dns_sockets({kNameGate, 0});
    REQUIRE(sockets);
    udp_ = port_of(sockets->udp);
    tcp_ = port_of(sockets->tcp);
    auto made = serve_names(runtime, std::move(*sockets), guests,
                            {.outside = {closed_endpoint(), outside.endpoint},
                             .vm_names = with_vm_names ? vm_names.endpoint : host::Endpoint{}});
    REQUIRE(made);
    names = std::move(*made);
    set({"*.example.org:443", "*.vm:80"});
  }
  void set(const std::vector<std::string>& rules) {
    REQUIRE(guests.set(kVm, kAsker, *egress::Policy::make("none", rules)));
  }
  GuestPtr guest() const { return guests.find(kVm); }
  bool is_open(net::Ipv4 address, std::uint16_t port) const {
    return guest()->openings().is_open(address, port, now());
  }

  UniqueFd client(int type = SOCK_DGRAM, host::Ipv4 from = kAsker) const {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    auto own = at({from, 0}), to = at({kNameGate, type == SOCK_DGRAM ? udp_ : tcp_});
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return fd;
  }
  void send(const UniqueFd& fd, const std::string& bytes) {
    REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  /// The bytes that arrive. nullopt: none do.
  std::optional<std::string> hear(const UniqueFd& fd, std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    return test::run(runtime, hear_at(runtime, fd.get(), patience));
  }
  /// The answer to a question over UDP, which must be whole.
  dns_wire::Answer ask(const std::string& name, unsigned type = 1) {
    auto fd = client();
    send(fd, dns_wire::query({.name = name, .type = type, .id = 77}));
    auto bytes = hear(fd);
    REQUIRE(bytes);
    auto answer = dns_wire::parse(*bytes);
    CHECK(answer.whole);
    CHECK(answer.id == 77);
    return answer;
  }
  void pass_time() { test::run(runtime, runtime.sleep_for(std::chrono::milliseconds(30))); }

  host::Runtime runtime;
  Guests guests{runtime, {0xac100000, 24}, [](net::Ipv4) { return false; }};
  NameServer outside{runtime}, vm_names{runtime};
  std::unique_ptr<net::DnsServer> names;

 private:
  static sockaddr_in at(host::Endpoint where) {
    return {.sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
  }
  static std::uint16_t port_of(const UniqueFd& socket) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
    return ntohs(own.sin_port);
  }
  /// A server that is down.
  static host::Endpoint closed_endpoint() {
    auto socket = net::bound_socket(SOCK_DGRAM, {kUpstream, 0}, 0);
    REQUIRE(socket);
    return {kUpstream, port_of(*socket)};
  }
  static Task<std::optional<std::string>> hear_at(host::Runtime& runtime, int fd, std::chrono::milliseconds patience) {
    auto readable = co_await host::wait_readable(runtime, fd, host::after(patience));
    if (!readable || !*readable) co_return std::nullopt;
    std::string buffer(70000, '\0');
    auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    buffer.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    co_return buffer;
  }

  std::uint16_t udp_ = 0, tcp_ = 0;
};

}  // namespace banger::roles::gate
