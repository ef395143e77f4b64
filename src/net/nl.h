// Owning pointers for libnl's objects. For the files of this folder only.
#pragma once

#include <fmt/format.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <memory>
#include <string_view>

#include "base/result.h"

namespace banger::net {

template <auto Free>
struct NlDeleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Cache = std::unique_ptr<nl_cache, NlDeleter<nl_cache_free>>;
using Link = std::unique_ptr<rtnl_link, NlDeleter<rtnl_link_put>>;
using LinkAddress = std::unique_ptr<rtnl_addr, NlDeleter<rtnl_addr_put>>;
using Address = std::unique_ptr<nl_addr, NlDeleter<nl_addr_put>>;
using Route = std::unique_ptr<rtnl_route, NlDeleter<rtnl_route_put>>;

/// `error` is an error code of libnl: -NLE_….
inline std::unexpected<Error> fail_netlink(std::string_view what, int error) {
  ErrorCode code = error == -NLE_PERM || error == -NLE_NOACCESS ? ErrorCode::denied
                   : error == -NLE_BUSY                         ? ErrorCode::busy
                   : error == -NLE_EXIST                        ? ErrorCode::exists
                                                                : ErrorCode::unavailable;
  return fail(code, fmt::format("{}: {}", what, nl_geterror(error)));
}

/// `invalid` unless `text` is a MAC address.
inline Result<Address> parse_mac(const std::string& text) {
  nl_addr* address = nullptr;
  if (nl_addr_parse(text.c_str(), AF_LLC, &address) < 0)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not a MAC address", text));
  return Address(address);
}

/// The addresses of all links.
inline Result<Cache> list_addresses(nl_sock* socket) {
  nl_cache* found = nullptr;
  if (int error = rtnl_addr_alloc_cache(socket, &found); error < 0) return fail_netlink("list addresses", error);
  return Cache(found);
}

}  // namespace banger::net
