#include "net/links.h"

#include <fcntl.h>
#include <net/if.h>
#include <unistd.h>

#include "host/files.h"
#include "net/nl.h"

namespace banger::net {

namespace {

std::string text_or_empty(const char* text) { return text ? text : ""; }

LinkInfo info_of(rtnl_link* link) {
  char mac[64] = "";
  if (nl_addr* address = rtnl_link_get_addr(link)) nl_addr2str(address, mac, sizeof mac);
  return {.name = text_or_empty(rtnl_link_get_name(link)),
          .index = rtnl_link_get_ifindex(link),
          .kind = text_or_empty(rtnl_link_get_type(link)),
          .alias = text_or_empty(rtnl_link_get_ifalias(link)),
          .mac = mac,
          .master = rtnl_link_get_master(link),
          .up = (rtnl_link_get_flags(link) & IFF_UP) != 0};
}

}  // namespace

Result<std::optional<LinkInfo>> find_link(Netlink& netlink, const std::string& name) {
  rtnl_link* found = nullptr;
  int error = rtnl_link_get_kernel(netlink.socket(), 0, name.c_str(), &found);
  if (error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND) return std::optional<LinkInfo>();
  if (error < 0) return fail_netlink(fmt::format("look at link {}", name), error);
  Link link(found);
  return std::optional(info_of(link.get()));
}

Result<std::vector<LinkInfo>> list_links(Netlink& netlink) {
  nl_cache* found = nullptr;
  if (int error = rtnl_link_alloc_cache(netlink.socket(), AF_UNSPEC, &found); error < 0)
    return fail_netlink("list links", error);
  Cache cache(found);
  std::vector<LinkInfo> links;
  for (nl_object* object = nl_cache_get_first(cache.get()); object; object = nl_cache_get_next(object))
    links.push_back(info_of(reinterpret_cast<rtnl_link*>(object)));
  return links;
}

Result<> disable_ipv6(const std::string& name) {
  auto setting = host::open_file(fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", name), O_WRONLY);
  // A kernel without IPv6 has no such setting.
  if (!setting && setting.error().code == ErrorCode::not_found) return {};
  if (!setting) return std::unexpected(std::move(setting).error());
  return host::write_all(setting->get(), "1");
}

}  // namespace banger::net
