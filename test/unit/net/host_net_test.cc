// Bridge, taps and firewall on the real kernel, in a network namespace of its own.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/files.h"
#include "net/bridge.h"
#include "net/firewall.h"
#include "net/links.h"
#include "net/nft.h"
#include "net/routes.h"
#include "net/tap.h"
#include "support/sandbox.h"

using namespace banger;
using namespace banger::net;

namespace {

const Bridge kBridge{.name = "br-t", .address = 0xac100001, .prefix = 24};

bool skipped(const char* name, bool needs_nft = false) {
  const char* why = ::geteuid() != 0             ? "this needs root"
                    : !test::sandbox_available() ? "this host lets us make no namespaces"
                    : needs_nft && !find_nft()   ? "nft is not installed"
                                                 : nullptr;
  if (why) fmt::print("SKIPPED: {}: {}\n", name, why);
  return why != nullptr;
}

// An error, or "" when `result` is good.
template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : result.error().sentence();
}

#define GOOD(expr) \
  if (auto error = error_of(expr); !error.empty()) return #expr ": " + error
#define TRUE(expr) \
  if (!(expr)) return "not true: " #expr

std::optional<LinkInfo> link(const std::string& name) {
  auto netlink = Netlink::open();
  auto found = netlink ? find_link(*netlink, name) : std::unexpected(netlink.error());
  return found ? *found : std::nullopt;
}

std::string check_bridge_life() {
  GOOD(host::write_all(host::open_file("/proc/sys/net/ipv4/ip_forward", O_WRONLY)->get(), "0"));
  for (int round = 0; round < 2; ++round) GOOD(ensure_bridge(kBridge));
  auto made = link("br-t");
  TRUE(made && made->kind == "bridge" && made->ours() && made->up && made->mac == "52:54:ac:10:00:01");
  TRUE(host::read_file("/proc/sys/net/ipv4/ip_forward", 8).value_or("") == "1\n");
  TRUE(host::read_file("/proc/sys/net/ipv6/conf/br-t/disable_ipv6", 8).value_or("1\n") == "1\n");
  auto netlink = Netlink::open();
  auto routes = host_routes(*netlink);
  TRUE(routes && !routes->empty() && routes->front().device == "br-t");
  TRUE(!check_clash(kBridge.range(), *routes, "another"));
  for (int round = 0; round < 2; ++round) GOOD(remove_bridge(kBridge));
  TRUE(!link("br-t"));
  TRUE(host::read_file("/proc/sys/net/ipv4/ip_forward", 8).value_or("") == "0\n");
  // Forwarding that was on stays on.
  GOOD(host::write_all(host::open_file("/proc/sys/net/ipv4/ip_forward", O_WRONLY)->get(), "1"));
  GOOD(ensure_bridge(kBridge));
  GOOD(remove_bridge(kBridge));
  TRUE(host::read_file("/proc/sys/net/ipv4/ip_forward", 8).value_or("") == "1\n");
  return "";
}

// A tap that exists as long as its descriptor, without our mark.
UniqueFd stranger(const char* name) {
  UniqueFd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  struct ifreq request{};
  std::strcpy(request.ifr_name, name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(tap.get(), TUNSETIFF, &request) < 0) return {};
  return tap;
}

std::string check_strangers() {
  auto theirs = stranger("br-t"), tap = stranger("bg-9");
  TRUE(theirs && tap);
  TRUE(ensure_bridge(kBridge).error().code == ErrorCode::exists);
  GOOD(remove_bridge(kBridge));
  TRUE(link("br-t"));
  TRUE(remove_tap(9, 1234).error().code == ErrorCode::exists);
  TRUE(list_taps()->empty());
  return "";
}

std::string check_tap_life() {
  GOOD(ensure_bridge(kBridge));
  const TapMark mine{1234, 7}, same_user{1234, 8}, other{1235, 7};
  auto tap = make_tap({.number = 5, .mark = mine, .bridge = "br-t"});
  GOOD(tap);
  auto made = link("bg-5");
  TRUE(made && made->ours() && made->up && made->master == link("br-t")->index);
  TRUE(remove_tap(5, 1234).error().code == ErrorCode::busy);
  TRUE(make_tap({.number = 5, .mark = mine, .bridge = "br-t"}).error().code == ErrorCode::busy);
  TRUE(remove_bridge(kBridge).error().code == ErrorCode::busy);
  tap->reset();
  auto listed = list_taps();
  GOOD(listed);
  TRUE(listed->size() == 1 && listed->front().number == 5 && listed->front().mark == mine);  // it outlives its fd
  for (const auto& stranger : {same_user, other})
    TRUE(make_tap({.number = 5, .mark = stranger, .bridge = "br-t"}).error().code == ErrorCode::exists);
  TRUE(remove_tap(5, other.owner).error().code == ErrorCode::exists);
  GOOD(make_tap({.number = 5, .mark = mine, .bridge = "br-t"}));
  for (int round = 0; round < 2; ++round) GOOD(remove_tap(5, 1234));
  TRUE(!link("bg-5"));
  TRUE(make_tap({.number = 5, .mark = mine, .bridge = "br-none"}).error().code == ErrorCode::not_found);
  TRUE(!link("bg-5"));
  GOOD(remove_bridge(kBridge));
  return "";
}

std::string check_firewall_life() {
  Json others = {{"nftables",
                  {{{"add", {{"table", {{"family", "ip"}, {"name", "filter"}}}}}},
                   {{"add",
                     {{"chain",
                       {{"family", "ip"},
                        {"table", "filter"},
                        {"name", "FORWARD"},
                        {"type", "filter"},
                        {"hook", "forward"},
                        {"prio", 0},
                        {"policy", "drop"}}}}}}}}};
  GOOD(apply_nft(others));
  auto before = list_nft();
  for (int round = 0; round < 2; ++round) GOOD(ensure_firewall("br-t"));
  auto closed = find_closed_chains("br-t");
  TRUE(closed && closed->size() == 1 && closed->front().opened);
  for (int round = 0; round < 2; ++round) GOOD(admit_guest("br-t", {.tap = 5, .address = 0xac100005, .nat = true}));
  GOOD(admit_guest("br-t", {.tap = 6, .address = 0xac100006, .nat = false}));
  TRUE(guests_on(*list_nft(), 5).size() == 1);
  GOOD(ensure_firewall("br-t"));
  TRUE(guests_on(*list_nft(), 5).size() == 1);
  for (int round = 0; round < 2; ++round) GOOD(remove_guest("br-t", {.tap = 5, .address = 0xac100005}));
  TRUE(guests_on(*list_nft(), 5).empty());
  GOOD(clear_tap("br-t", 6));
  TRUE(guests_on(*list_nft(), 6).empty());
  for (int round = 0; round < 2; ++round) GOOD(remove_firewall("br-t"));
  TRUE(*list_nft() == *before);
  Json nonsense = {{"nftables", {{{"add", {{"nothing", 1}}}}}}};
  TRUE(apply_nft(nonsense).error().message.find("nft failed") != std::string::npos);
  return "";
}

}  // namespace

TEST_CASE("bridge: names, ranges and addresses that cannot be one are refused") {
  CHECK(check_bridge(kBridge));
  for (const char* name : {"", "bg-1", "a b", "../x", "sixteen-letters-", "all", "-x"})
    CHECK_FALSE(check_bridge({.name = name, .address = 0xac100001, .prefix = 24}));
  CHECK_FALSE(check_bridge({.name = "br-t", .address = 0x08080808, .prefix = 24}));
  CHECK_FALSE(check_bridge({.name = "br-t", .address = 0xac100000, .prefix = 24}));
  CHECK_FALSE(check_bridge({.name = "br-t", .address = 0xac1000ff, .prefix = 24}));
  CHECK_FALSE(check_bridge({.name = "br-t", .address = 0xac100001, .prefix = 31}));
}

TEST_CASE("bridge: is made and removed again, each any number of times; forwarding is left as it was") {
  if (skipped("bridge: is made and removed again, each any number of times; forwarding is left as it was")) return;
  CHECK(test::in_sandbox(check_bridge_life) == "");
}

TEST_CASE("bridge: links that others made are neither taken nor removed") {
  if (skipped("bridge: links that others made are neither taken nor removed")) return;
  CHECK(test::in_sandbox(check_strangers) == "");
}

TEST_CASE("tap: outlives its descriptor, and is not removed while someone is attached") {
  if (skipped("tap: outlives its descriptor, and is not removed while someone is attached")) return;
  CHECK(test::in_sandbox(check_tap_life) == "");
}

TEST_CASE("firewall: comes, changes and goes without a trace in the tables of others") {
  if (skipped("firewall: comes, changes and goes without a trace in the tables of others", true)) return;
  CHECK(test::in_sandbox(check_firewall_life) == "");
}

TEST_CASE("tap: the mark in an alias comes back, and no other alias has one") {
  TapMark mark{1000, 0xffffffff};
  CHECK(alias_of(mark) == "banger 1000/4294967295");
  CHECK(mark_in(alias_of(mark)) == mark);
  for (auto alias : {"", "banger", "banger ", "banger 1", "banger 1/", "banger 1/2x", "banger /2",
                     "banger 1/4294967296", "banger ip_forward=0", "other 1/2"})
    CHECK_FALSE(mark_in(alias));
  CHECK(daemon_number("/home/a/.local/state/banger") == daemon_number("/home/a/.local/state/banger"));
  CHECK(daemon_number("/home/a/.local/state/banger") != daemon_number("/home/b/.local/state/banger"));
}
