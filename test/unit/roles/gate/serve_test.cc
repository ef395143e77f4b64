// The gate as a firewall sees it: connections that are redirected to it, in a network of its own.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "net/netlink.h"
#include "net/nft.h"
#include "roles/gate/proxy.h"
#include "support/run.h"
#include "support/sandbox.h"

using namespace banger;
using namespace banger::roles::gate;

namespace {

constexpr host::Ipv4 kGate = 0x7f000001, kGuest = 0x7f000005, kStranger = 0x7f000006, kPeer = 0x7f000009,
                     kPublic = 0x5db8d801;
constexpr std::uint16_t kPort = 7001;

bool skipped(const char* name) {
  const char* why = ::geteuid() != 0             ? "this needs root"
                    : !test::sandbox_available() ? "this host lets us make no namespaces"
                    : !net::find_nft()           ? "nft is not installed"
                                                 : nullptr;
  if (why) fmt::print("SKIPPED: {}: {}\n", name, why);
  return why != nullptr;
}

sockaddr_in at(host::Ipv4 address, std::uint16_t port) {
  return {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}, .sin_zero = {}};
}

bool make_network() {
  auto netlink = net::Netlink::open();
  if (!netlink || !netlink->loopback_up()) return false;
  UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo:1", IFNAMSIZ - 1);
  auto address = at(kPublic, 0);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  return ::ioctl(control.get(), SIOCSIFADDR, &request) == 0;
}

/// Leads connections of the guest and of its neighbour to the gate.
Result<> redirect_to(std::uint16_t port) {
  Json chain = {{"family", "ip"},   {"table", "test"}, {"name", "out"},     {"type", "nat"},
                {"hook", "output"}, {"prio", -100},    {"policy", "accept"}};
  Json guests = {{"prefix", {{"addr", "127.0.0.4"}, {"len", 30}}}};
  Json from = {
      {"match", {{"op", "=="}, {"left", {{"payload", {{"protocol", "ip"}, {"field", "saddr"}}}}}, {"right", guests}}}};
  Json to = {
      {"match", {{"op", "=="}, {"left", {{"payload", {{"protocol", "tcp"}, {"field", "dport"}}}}}, {"right", kPort}}}};
  Json rule = {{"family", "ip"},
               {"table", "test"},
               {"chain", "out"},
               {"expr", std::vector<Json>{from, to, {{"redirect", {{"port", port}}}}}}};
  Json commands = Json::array();
  commands.push_back({{"add", {{"table", {{"family", "ip"}, {"name", "test"}}}}}});
  commands.push_back({{"add", {{"chain", chain}}}});
  commands.push_back({{"add", {{"rule", rule}}}});
  return net::apply_nft({{"nftables", commands}});
}

struct Network {
  host::Runtime runtime;
  Guests guests{runtime, {0x7f000000, 8}, [](net::Ipv4) { return false; }};
  std::unique_ptr<net::TcpListener> peer, outside;
  std::uint16_t port = 0;

  std::string open() {
    if (!make_network()) return "no network";
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    auto own = at(kGate, 0);
    socklen_t size = sizeof own;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&own), size) < 0 || ::listen(socket.get(), 8) < 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size) < 0)
      return "no socket for the gate";
    port = ntohs(own.sin_port);
    if (auto served = serve_connections(runtime, std::move(socket), guests); !served) return served.error().sentence();
    if (auto led = redirect_to(port); !led) return led.error().sentence();
    auto first = net::listen_tcp(runtime, {kPeer, kPort}), second = net::listen_tcp(runtime, {kPublic, kPort});
    if (!first || !second) return "no servers";
    peer = std::move(*first);
    outside = std::move(*second);
    auto policy = egress::Policy::make("none", {"*.vm", "93.184.216.1"});
    if (!guests.set("vm", kGuest, *policy)) return "no policy";
    auto& openings = guests.find("vm")->openings();
    openings.open({{kPeer, "web.vm", egress::kAnyPort, now() + std::chrono::minutes(5)}}, now());
    return "";
  }
  static UniqueFd connect(host::Ipv4 from, host::Ipv4 to, std::uint16_t to_port = kPort) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto own = at(from, 0), there = at(to, to_port);
    bool good = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) == 0 &&
                ::connect(fd.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0;
    return good ? std::move(fd) : UniqueFd();
  }
  /// The bytes that arrive, "end", or the name of the error.
  std::string hear(const UniqueFd& fd) {
    auto wait = host::wait_readable(runtime, fd.get(), host::after(std::chrono::seconds(30)));
    if (auto readable = test::run(runtime, std::move(wait)); !readable || !*readable) return "nothing";
    char buffer[100];
    auto got = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) return errno == ECONNRESET ? "reset" : "error";
    return got == 0 ? "end" : std::string(buffer, static_cast<std::size_t>(got));
  }
  /// Whether a connection of the guest reaches the server and gets its words.
  bool passes(net::TcpListener& server, host::Ipv4 to) {
    auto client = connect(kGuest, to);
    auto accepted = test::run(runtime, server.accept());
    // The gate connects anew, so the server sees another address than the guest's.
    if (!client || !accepted || (*accepted)->ends().there.address == kGuest) return false;
    return test::run(runtime, (*accepted)->write("hello")) && hear(client) == "hello";
  }
};

std::string check_serving() {
  Network n;
  if (auto error = n.open(); !error.empty()) return error;
  if (!n.passes(*n.peer, kPeer)) return "a connection that a lookup has opened does not pass";
  if (!n.passes(*n.outside, kPublic)) return "a connection that a rule opens does not pass";
  auto rows = n.guests.find("vm")->log().since(0);
  bool logged = std::ranges::any_of(
      rows, [](const auto& row) { return row.address == kPublic && row.port == kPort && row.received == 5; });
  if (!logged) return "the log lacks a connection, or its bytes";
  return "";
}

std::string check_refusals() {
  Network n;
  if (auto error = n.open(); !error.empty()) return error;
  if (auto heard = n.hear(n.connect(kStranger, kPeer)); heard != "reset") return "who has no policy hears: " + heard;
  if (auto heard = n.hear(n.connect(kGuest, 0x7f00000a)); heard != "reset") return "a closed address says: " + heard;
  if (auto heard = n.hear(n.connect(kGuest, kGate, n.port)); heard != "reset") return "the gate itself says: " + heard;
  n.guests.clear("vm");
  if (auto heard = n.hear(n.connect(kGuest, kPeer)); heard != "reset") return "who has ended hears: " + heard;
  return "";
}

}  // namespace

TEST_CASE("gate: connections that the firewall redirects go on to where they wanted to go") {
  if (skipped("gate: connections that the firewall redirects go on to where they wanted to go")) return;
  CHECK(test::in_sandbox(check_serving) == "");
}

TEST_CASE("gate: whoever has no policy, or wanted to come to the gate itself, is reset") {
  if (skipped("gate: whoever has no policy, or wanted to come to the gate itself, is reset")) return;
  CHECK(test::in_sandbox(check_refusals) == "");
}
