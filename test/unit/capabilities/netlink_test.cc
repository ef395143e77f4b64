// The guest's netlink code against a real link (a tap) in a network namespace of its own.
#include "net/netlink.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "catch.h"
#include "host/files.h"
#include "net/addresses.h"
#include "net/link_mac.h"
#include "support/sandbox.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

constexpr unsigned char kMac[] = {0x52, 0x54, 0, 0, 1, 0x2c};

/// A tap named t0 with our MAC. It exists as long as the descriptor.
UniqueFd make_tap(int control) {
  UniqueFd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  struct ifreq request{};
  std::strcpy(request.ifr_name, "t0");
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (!tap || ::ioctl(tap.get(), TUNSETIFF, &request) < 0) return {};
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, kMac, sizeof kMac);
  if (::ioctl(control, SIOCSIFHWADDR, &request) < 0) return {};
  return tap;
}

std::string address_of(int control) {
  struct ifreq request{};
  std::strcpy(request.ifr_name, "t0");
  if (::ioctl(control, SIOCGIFADDR, &request) < 0) return "none";
  char text[64];
  return ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&request.ifr_addr)->sin_addr, text, sizeof text);
}

bool is_up(int control, const char* name) {
  struct ifreq request{};
  std::strcpy(request.ifr_name, name);
  return ::ioctl(control, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
}

// /proc/self/net, not /proc/net: the test's thread has changed its namespace, and /proc/net shows the namespace of the
// process.
bool has_default_route(std::string_view gateway_le_hex) {
  auto routes = host::read_file("/proc/self/net/route", 1 << 16).value_or("");
  return routes.find("t0\t00000000\t" + std::string(gateway_le_hex)) != std::string::npos;
}

// In this file such a route has no link.
bool is_unreachable(std::string_view network_le_hex) {
  auto routes = host::read_file("/proc/self/net/route", 1 << 16).value_or("");
  return routes.find("*\t" + std::string(network_le_hex)) != std::string::npos;
}

std::string check_link() {
  UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto tap = make_tap(control.get());
  if (!tap) return "no tap";
  auto netlink = net::Netlink::open();
  if (!netlink) return netlink.error().sentence();
  if (auto up = netlink->loopback_up(); !up || !is_up(control.get(), "lo")) return "loopback is down";
  std::string mac = net::mac_address(300);
  for (int round = 0; round < 2; ++round)
    if (auto done = netlink->configure({mac, 0, "10.0.2.15/24", "10.0.2.2"}); !done) return done.error().sentence();
  if (address_of(control.get()) != "10.0.2.15" || !is_up(control.get(), "t0")) return "the link is not configured";
  if (!has_default_route("0202000A")) return "there is no default route";
  for (auto [asked, got] : {std::pair{9000u, 9000}, {0u, 1500}}) {
    auto done = netlink->configure({.mac = mac, .address = "10.0.2.15/24", .gateway = "10.0.2.2", .mtu = asked});
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "t0");
    if (!done || ::ioctl(control.get(), SIOCGIFMTU, &request) < 0 || request.ifr_mtu != got) return "the MTU is wrong";
  }
  // Another identity: the old address is removed.
  if (auto done = netlink->configure({mac, 0, "10.0.2.77/24", "10.0.2.3"}); !done) return done.error().sentence();
  if (address_of(control.get()) != "10.0.2.77") return "the old address stayed: " + address_of(control.get());
  if (!has_default_route("0302000A")) return "the default route was not replaced";
  if (auto done = netlink->configure({mac, 0, "10.0.2.77/24", ""}); !done) return done.error().sentence();
  if (has_default_route("0302000A")) return "the default route stayed without a gateway";
  for (int round = 0; round < 2; ++round) {
    auto done = netlink->configure({mac, 0, "10.0.2.77/24", "10.0.2.3", {net::kLinkLocal}});
    if (!done) return done.error().sentence();
  }
  if (!is_unreachable("0000FEA9")) return "a network is reached that must not be";
  if (auto done = netlink->configure({mac, 0, "10.0.2.77/24", ""}); !done) return done.error().sentence();
  if (is_unreachable("0000FEA9")) return "a network that may be reached again stayed unreachable";
  auto missing = netlink->configure({"52:54:00:ff:ff:ff", 0, "10.0.2.15/24", ""});
  if (missing || missing.error().code != ErrorCode::not_found ||
      missing.error().message.find("t0 (52:54:00:00:01:2c)") == std::string::npos)
    return "an unknown MAC was not told";
  return "";
}

bool has_neighbour(std::string_view address) {
  return host::read_file("/proc/self/net/arp", 1 << 16).value_or("").find(address) != std::string::npos;
}

bool add_neighbour(int control, const char* address) {
  struct arpreq request{};
  auto* to = reinterpret_cast<sockaddr_in*>(&request.arp_pa);
  to->sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &to->sin_addr);
  request.arp_ha.sa_family = ARPHRD_ETHER;
  std::memcpy(request.arp_ha.sa_data, kMac, sizeof kMac);
  request.arp_flags = ATF_COM;
  std::strcpy(request.arp_dev, "t0");
  return ::ioctl(control, SIOCSARP, &request) == 0;
}

/// Changes the MAC `from` to that of number 302, on no other link.
std::string check_quick_change(net::Netlink& netlink, int control, const std::string& from, bool had_inet6) {
  std::string mac = net::mac_address(302);
  if (auto done = net::change_mac(control, "52:54:00:ff:ff:ff", mac); done || done.error().code != ErrorCode::not_found)
    return "a link that is not there was changed";
  if (auto done = net::change_mac(control, "52:54:00", mac); done || done.error().code != ErrorCode::invalid)
    return "half a MAC";
  if (auto done = net::change_mac(control, from, mac); !done) return done.error().sentence();
  struct ifreq request{};
  std::strcpy(request.ifr_name, "t0");
  if (::ioctl(control, SIOCGIFHWADDR, &request) < 0 || request.ifr_hwaddr.sa_data[5] != 0x2e) return "not changed";
  if (address_of(control) != "10.0.3.15" || !is_up(control, "t0")) return "the link did not stay as it was";
  if (auto done = netlink.renew_link_local(mac); !done) return done.error().sentence();
  auto inet6 = host::read_file("/proc/self/net/if_inet6", 1 << 16).value_or("");
  if (had_inet6 && inet6.find("fe80000000000000505400fffe00012e") == inet6.npos)
    return "no link-local address: " + inet6;
  return inet6.find("fe80000000000000505400fffe00012d") == inet6.npos ? "" : "the old link-local address stayed";
}

/// The fake sysfs presents the tap as a virtio link, and the loopback link not.
std::string check_clone(const test::TempDir& sys) {
  UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto tap = make_tap(control.get());
  if (!tap) return "no tap";
  std::filesystem::create_directories(sys / "t0/device");
  std::filesystem::create_symlink("/sys/bus/virtio/drivers/virtio_net", sys / "t0/device/driver");
  auto netlink = net::Netlink::open(sys.path());
  if (!netlink) return netlink.error().sentence();
  if (auto done = netlink->configure({net::mac_address(300), 0, "10.0.2.15/24", "10.0.2.2"}); !done)
    return done.error().sentence();
  if (!add_neighbour(control.get(), "10.0.2.9") || !has_neighbour("10.0.2.9")) return "no neighbour to begin with";
  std::string link_local = "fe80000000000000505400fffe00012c";
  bool had_inet6 = host::read_file("/proc/self/net/if_inet6", 1 << 16).value_or("").find(link_local) != link_local.npos;
  std::string mac = net::mac_address(301);
  if (netlink->configure({mac, 1, "10.0.2.15/24", ""})) return "a link that is not there was configured";
  if (auto done = netlink->configure({mac, 0, "10.0.3.15/24", "10.0.3.2"}); !done) return done.error().sentence();
  struct ifreq request{};
  std::strcpy(request.ifr_name, "t0");
  if (::ioctl(control.get(), SIOCGIFHWADDR, &request) < 0 || request.ifr_hwaddr.sa_data[5] != 0x2d)
    return "the MAC is not set";
  if (address_of(control.get()) != "10.0.3.15" || !is_up(control.get(), "t0")) return "the link is not configured";
  if (!has_default_route("0203000A") || has_default_route("0202000A")) return "the default route is not the new one";
  if (has_neighbour("10.0.2.9")) return "a neighbour stayed";
  auto inet6 = host::read_file("/proc/self/net/if_inet6", 1 << 16).value_or("");
  if (had_inet6 && inet6.find("fe80000000000000505400fffe00012d") == inet6.npos)
    return "no link-local address: " + inet6;
  if (inet6.find("fe80000000000000505400fffe00012c") != inet6.npos) return "the old link-local address stayed";
  // Now the link is found by its MAC, at any position.
  if (auto done = netlink->configure({mac, 7, "10.0.3.15/24", "10.0.3.2"}); !done) return done.error().sentence();
  return check_quick_change(*netlink, control.get(), mac, had_inet6);
}

}  // namespace

TEST_CASE("netlink: address, route and link follow the settings, twice over and when they change") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  std::string outcome = test::in_sandbox(check_link);
  if (outcome == "no tap") {
    WARN("no tap devices here");
    return;
  }
  CHECK(outcome == "");
}

TEST_CASE("netlink: a clone's link is found by its position, given the MAC, and keeps nothing of the old machine") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir sys;
  std::string outcome = test::in_sandbox([&] { return check_clone(sys); });
  if (outcome == "no tap") {
    WARN("no tap devices here");
    return;
  }
  CHECK(outcome == "");
}

TEST_CASE("addresses: derive from the number alone, local and unicast, and differ") {
  CHECK(net::mac_address(0) == "52:54:00:00:00:00");
  CHECK(net::mac_address(300) == "52:54:00:00:01:2c");
  CHECK(net::mac_address(0xffffff) == "52:54:00:ff:ff:ff");
  CHECK(net::loopback_address(1, 0) == "127.64.0.1");
  CHECK(net::loopback_address(300, 0) == "127.64.1.44");
  CHECK(net::loopback_address(0x3fffff, 0) == "127.127.255.255");
  // Two users' first VMs.
  CHECK(net::loopback_address(1, 1000) != net::loopback_address(1, 1001));
  CHECK(net::loopback_address(100'000, 1000) != net::loopback_address(1, 1001));
}
