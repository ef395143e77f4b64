// What only a network of one's own can show: connections that the firewall redirects, and several own addresses.
#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "catch.h"
#include "net/netlink.h"
#include "net/nft.h"
#include "net/tcp.h"
#include "support/run.h"
#include "support/sandbox.h"

using namespace banger;
using namespace banger::net;

namespace {

constexpr host::Ipv4 kLoopback = 0x7f000001, kFirst = 0x5db8d801, kOther = 0x5db8d803;

bool skipped(const char* name, bool needs_nft) {
  const char* why = !test::sandbox_available() ? "this host lets us make no namespaces"
                    : needs_nft && ::geteuid() ? "this needs root"
                    : needs_nft && !find_nft() ? "nft is not installed"
                                               : nullptr;
  if (why) fmt::print("SKIPPED: {}: {}\n", name, why);
  return why != nullptr;
}

std::string loopback_up() {
  auto netlink = Netlink::open();
  auto up = netlink ? netlink->loopback_up() : std::unexpected(netlink.error());
  return up ? "" : up.error().sentence();
}

/// Gives the loopback link one more address. The second one in a range is a secondary address.
bool add_address(const char* label, host::Ipv4 address) {
  UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, label, IFNAMSIZ - 1);
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(address)}, .sin_zero = {}};
  std::memcpy(&request.ifr_addr, &at, sizeof at);
  return ::ioctl(control.get(), SIOCSIFADDR, &request) == 0;
}

std::string check_redirect() {
  if (auto error = loopback_up(); !error.empty()) return error;
  host::Runtime runtime;
  auto listener = listen_tcp(runtime, {kLoopback, 0});
  if (!listener) return listener.error().sentence();
  auto port = (*listener)->endpoint().port;
  Json table = {{"family", "ip"}, {"name", "test"}};
  Json chain = {{"family", "ip"},   {"table", "test"}, {"name", "out"},     {"type", "nat"},
                {"hook", "output"}, {"prio", -100},    {"policy", "accept"}};
  Json to_443 = {
      {"match", {{"op", "=="}, {"left", {{"payload", {{"protocol", "tcp"}, {"field", "dport"}}}}}, {"right", 443}}}};
  Json rule = {{"family", "ip"},
               {"table", "test"},
               {"chain", "out"},
               {"expr", std::vector<Json>{to_443, {{"redirect", {{"port", port}}}}}}};
  Json commands = Json::array();
  commands.push_back({{"add", {{"table", table}}}});
  commands.push_back({{"add", {{"chain", chain}}}});
  commands.push_back({{"add", {{"rule", rule}}}});
  if (auto applied = apply_nft({{"nftables", commands}}); !applied) return applied.error().sentence();
  auto client = test::run(runtime, connect_tcp(runtime, {0x7f000007, 443}, host::after(std::chrono::seconds(30))));
  if (!client) return client.error().sentence();
  auto stream = test::run(runtime, (*listener)->accept());
  if (!stream) return stream.error().sentence();
  auto wanted = (*stream)->wanted();
  if (!wanted) return "the stream knows no other destination";
  return *wanted == host::Endpoint{0x7f000007, 443} ? "" : "the destination is " + host::to_string(*wanted);
}

std::string check_own_addresses() {
  if (auto error = loopback_up(); !error.empty()) return error;
  if (is_own_address(kFirst)) return "an address is this host's own before it has it";
  if (!add_address("lo:1", kFirst)) return "no address";
  if (!is_own_address(kFirst)) return "the address is not this host's own";
  return is_own_address(kOther) ? "a neighbour's address is this host's own" : "";
}

}  // namespace

TEST_CASE("tcp: a connection that the firewall has redirected knows where it wanted to go") {
  if (skipped("tcp: a connection that the firewall has redirected knows where it wanted to go", true)) return;
  CHECK(test::in_sandbox(check_redirect) == "");
}

TEST_CASE("tcp: an address is this host's own once a link has it") {
  if (skipped("tcp: an address is this host's own once a link has it", false)) return;
  CHECK(test::in_sandbox(check_own_addresses) == "");
}
