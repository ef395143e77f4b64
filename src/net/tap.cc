#include "net/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <charconv>
#include <cstring>
#include <functional>

#include "host/files.h"
#include "net/links.h"
#include "net/nl.h"

namespace banger::net {

namespace {

// Source: Documentation/networking/tuntap.rst of the kernel.
Result<UniqueFd> attach(const std::string& name) {
  auto tap = TRY(host::open_file("/dev/net/tun", O_RDWR | O_NONBLOCK));
  struct ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(tap.get(), TUNSETIFF, &request) < 0) return fail_errno("attach");
  return tap;
}

Result<> refuse_strangers(Netlink& netlink, const std::string& name, const std::function<bool(TapMark)>& is_own) {
  auto there = TRY(find_link(netlink, name));
  if (there && (there->kind != "tun" || !there->ours()))
    return fail(ErrorCode::exists, "a link of that name exists, and banger did not make it",
                "remove it, or give it another name");
  auto mark = there ? mark_in(there->alias) : std::nullopt;
  if (mark && !is_own(*mark))
    return fail(ErrorCode::exists, fmt::format("it belongs to another daemon of banger, of uid {}", mark->owner),
                "banger gc of that user removes it when no VM uses it");
  return {};
}

Result<UniqueFd> make(const Tap& tap, const std::string& name) {
  auto netlink = TRY(Netlink::open());
  TRY(refuse_strangers(netlink, name, [&](TapMark mark) { return mark == tap.mark; }));
  auto bridge = TRY(find_link(netlink, tap.bridge));
  if (!bridge) return fail(ErrorCode::not_found, fmt::format("there is no bridge {}", tap.bridge));
  auto attached = TRY(attach(name));
  if (::ioctl(attached.get(), TUNSETOWNER, static_cast<unsigned long>(tap.mark.owner)) < 0)
    return fail_errno("give it to its owner");
  auto link = TRY(find_link(netlink, name));
  if (!link) return fail(ErrorCode::unavailable, "another program removed it at once");
  if (auto alias = alias_of(tap.mark); link->alias != alias)
    TRY(netlink.change(link->index, "mark it", [&](rtnl_link* edit) { rtnl_link_set_ifalias(edit, alias.c_str()); }));
  TRY(netlink.set_mtu(link->index, tap.mtu));
  TRY(disable_ipv6(name));
  if (link->master != bridge->index)
    TRY(netlink.change(link->index, "make it a port of the bridge",
                       [&](rtnl_link* edit) { rtnl_link_set_master(edit, bridge->index); }));
  TRY(netlink.set_up(link->index));
  if (::ioctl(attached.get(), TUNSETPERSIST, 1UL) < 0) return fail_errno("make it persistent");
  return attached;
}

Result<> remove(const std::string& name, uid_t owner) {
  auto netlink = TRY(Netlink::open());
  if (!TRY(find_link(netlink, name))) return {};
  TRY(refuse_strangers(netlink, name, [&](TapMark mark) { return mark.owner == owner; }));
  // Attach first: this fails while a machine is attached, so its network stays intact.
  auto attached = TRY(attach(name));
  if (::ioctl(attached.get(), TUNSETPERSIST, 0UL) < 0) return fail_errno("make it not persistent");
  return {};
}

}  // namespace

Result<UniqueFd> make_tap(const Tap& tap) {
  auto name = tap_name(tap.number);
  return in(fmt::format("tap '{}'", name), make(tap, name));
}

Result<> remove_tap(std::uint32_t number, uid_t owner) {
  auto name = tap_name(number);
  return in(fmt::format("tap '{}'", name), remove(name, owner));
}

Result<std::vector<ListedTap>> list_taps() {
  auto netlink = TRY(Netlink::open());
  std::vector<ListedTap> taps;
  for (const auto& link : TRY(list_links(netlink))) {
    auto number = link.kind == "tun" && link.ours() ? tap_number(link.name) : 0;
    if (number != 0) taps.push_back({number, mark_in(link.alias)});
  }
  return taps;
}

// FNV-1a with 32 bits (Fowler, Noll, Vo). The same in every version of banger.
std::uint32_t daemon_number(std::string_view state_directory) {
  std::uint32_t hash = 2166136261;
  for (unsigned char byte : state_directory) hash = (hash ^ byte) * 16777619;
  return hash;
}

std::string alias_of(const TapMark& mark) { return fmt::format("{} {}/{}", kAlias, mark.owner, mark.daemon); }

std::optional<TapMark> mark_in(std::string_view alias) {
  TapMark mark;
  auto begin = std::string(kAlias) + " ";
  if (!alias.starts_with(begin)) return std::nullopt;
  const char *at = alias.data() + begin.size(), *end = alias.data() + alias.size();
  auto [slash, wrong_owner] = std::from_chars(at, end, mark.owner);
  if (wrong_owner != std::errc{} || slash == end || *slash != '/') return std::nullopt;
  auto [last, wrong_daemon] = std::from_chars(slash + 1, end, mark.daemon);
  return wrong_daemon == std::errc{} && last == end ? std::optional(mark) : std::nullopt;
}

}  // namespace banger::net
