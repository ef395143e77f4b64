#include "capabilities/bridge/device.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "capabilities/bridge/names.h"

namespace banger::capabilities {

using store::kBridgeOwner;

namespace {

constexpr const char* kKind = "bridge";

Result<net::Bridge> bridge_in(const PrivilegedReply& reply) {
  auto json = TRY(parse_json(reply.result, limits::kRpcMessageBytes));
  net::Bridge bridge{.name = TRY(get_string(json, "name")),
                     .address = TRY(net::parse_ipv4(TRY(get_string(json, "address"))))};
  bridge.prefix = static_cast<std::uint32_t>(TRY(get_int(json, "prefix")));
  TRY(net::check_bridge(bridge));
  return bridge;
}

}  // namespace

void BridgeDevice::load(const store::JournalEntry& entry) {
  if (entry.kind == kKind) recorded_ = true;
}

Result<net::Bridge> BridgeDevice::configured() const {
  net::Bridge bridge{.name = host_.config.bridge_name,
                     .address = TRY(in("bridge_ip", net::parse_ipv4(host_.config.bridge_ip))),
                     .prefix = host_.config.cidr};
  TRY(net::check_bridge(bridge));
  TRY(in("default_dns", net::parse_ipv4(host_.config.default_dns)));
  return bridge;
}

Task<Result<>> BridgeDevice::ensure() {
  auto turn = co_await changing_.lock();
  if (closing_) co_return fail(ErrorCode::cancelled, "the daemon is ending");
  auto made = co_await make();
  if (made)
    trouble_.reset();
  else
    trouble_ = made.error();
  co_return made;
}

Task<Result<>> BridgeDevice::make() {
  if (!recorded_) CO_TRY(host_.store.add_journal({0, kBridgeOwner, kKind, host_.config.bridge_name}));
  recorded_ = true;
  made_ = CO_TRY(in("bridge.ensure", bridge_in(CO_TRY(co_await host_.privileged.call("bridge.ensure", "{}")))));
  if (!host_.privileged.is_private()) host_.runtime.spawn(route_names(host_.privileged, host_.config, host_.log));
  co_return Result<>{};
}

Task<Result<>> BridgeDevice::remove(std::function<bool()> in_use) {
  auto turn = co_await changing_.lock();
  if (!recorded_ || in_use()) co_return Result<>{};
  made_.reset();
  CO_TRY(co_await host_.privileged.call("bridge.remove", "{}"));
  // A start may have asked for the bridge during the removal. That start waits for this lock.
  recorded_ = false;
  for (const auto& entry : CO_TRY(host_.store.journal()))
    if (entry.kind == kKind) CO_TRY(host_.store.remove_journal(entry.owner, entry.kind, entry.key));
  co_await host_.privileged.rest();
  co_return Result<>{};
}

}  // namespace banger::capabilities
