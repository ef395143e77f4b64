#include "net/link_mac.h"

#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "net/bounds.h"

namespace banger::net {

namespace {

using Mac = std::array<unsigned char, 6>;

Result<Mac> parse_mac(const std::string& text) {
  Mac mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* at = text.data() + 3 * i;
    if (text.size() != 17 || std::from_chars(at, at + 2, mac[i], 16).ptr != at + 2)
      return fail(ErrorCode::invalid, fmt::format("'{}' is not a MAC address", text));
  }
  return mac;
}

bool has_mac(int control, ifreq& request, const Mac& mac) {
  return ::ioctl(control, SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family == ARPHRD_ETHER &&
         std::memcmp(request.ifr_hwaddr.sa_data, mac.data(), mac.size()) == 0;
}

}  // namespace

Result<UniqueFd> link_control() {
  UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control) return fail_errno("socket");
  return control;
}

Result<> change_mac(int control, const std::string& from, const std::string& to) {
  auto old_mac = TRY(parse_mac(from)), new_mac = TRY(parse_mac(to));
  for (int index = 1; index <= limits::kGuestLinkIndex; ++index) {
    ifreq request{};
    request.ifr_ifindex = index;
    if (::ioctl(control, SIOCGIFNAME, &request) < 0 || !has_mac(control, request, old_mac)) continue;
    std::memcpy(request.ifr_hwaddr.sa_data, new_mac.data(), new_mac.size());
    if (::ioctl(control, SIOCSIFHWADDR, &request) == 0) return {};
    if (errno == EBUSY) return fail(ErrorCode::busy, fmt::format("the link has to be down to take the address {}", to));
    return fail_errno(fmt::format("give the link the address {}", to));
  }
  return fail(ErrorCode::not_found, fmt::format("no network device has the address {}", from));
}

}  // namespace banger::net
