#include "capabilities/bridge/host_addresses.h"

#include <nlohmann/json.hpp>

#include "capabilities/bounds.h"
#include "net/own_addresses.h"

namespace banger::capabilities {

namespace {

std::string text_of(const std::vector<net::Ipv4>& addresses) {
  Json list = Json::array();
  for (auto address : addresses) list.push_back(net::to_text(address));
  return dump_json({{"addresses", std::move(list)}});
}

}  // namespace

Task<Result<>> HostAddresses::close() {
  auto addresses = CO_TRY(net::own_addresses());
  auto network = host_.privileged.network();
  if (!std::exchange(follows_, true)) host_.runtime.spawn(follow());
  if (addresses == closed_ && network == closed_in_) co_return Result<>{};
  CO_TRY(co_await host_.egress.set_host(addresses));
  if (network) CO_TRY(co_await host_.privileged.call("host.close", text_of(addresses)));
  closed_ = std::move(addresses);
  closed_in_ = host_.privileged.network();
  co_return Result<>{};
}

// The host may get an address at any time: a VPN, another network.
Task<> HostAddresses::follow() {
  while (device_.made()) {
    co_await host_.runtime.sleep_for(limits::kHostAddressInterval);
    if (!device_.made()) break;
    if (auto closed = co_await close(); !closed)
      host_.log.warn("bridge.host_not_closed", {{"error", closed.error().sentence()}});
  }
  follows_ = false;
}

}  // namespace banger::capabilities
