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

BridgeDevice::BridgeDevice(const ResourceHost& host)
    : runtime_(host.runtime),
      log_(host.log),
      config_(host.config),
      store_(host.store),
      privileged_(host.privileged),
      changing_(runtime_) {}

void BridgeDevice::load(const store::JournalEntry& entry) {
  if (entry.kind == kKind) recorded_ = true;
}

Result<net::Bridge> BridgeDevice::configured() const {
  net::Bridge bridge{.name = config_.bridge_name,
                     .address = TRY(in("bridge_ip", net::parse_ipv4(config_.bridge_ip))),
                     .prefix = config_.cidr};
  TRY(net::check_bridge(bridge));
  TRY(in("default_dns", net::parse_ipv4(config_.default_dns)));
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
  if (!recorded_) CO_TRY(store_.add_journal({0, kBridgeOwner, kKind, config_.bridge_name}));
  recorded_ = true;
  made_ = CO_TRY(in("bridge.ensure", bridge_in(CO_TRY(co_await privileged_.call("bridge.ensure", "{}")))));
  runtime_.spawn(route_names(privileged_, config_, log_));
  co_return Result<>{};
}

Task<Result<>> BridgeDevice::remove(std::function<bool()> in_use) {
  auto turn = co_await changing_.lock();
  if (!recorded_ || in_use()) co_return Result<>{};
  made_.reset();
  CO_TRY(co_await privileged_.call("bridge.remove", "{}"));
  // A start may have asked for the bridge during the removal. That start waits for this lock.
  recorded_ = false;
  for (const auto& entry : CO_TRY(store_.journal()))
    if (entry.kind == kKind) CO_TRY(store_.remove_journal(entry.owner, entry.kind, entry.key));
  co_return Result<>{};
}

}  // namespace banger::capabilities
