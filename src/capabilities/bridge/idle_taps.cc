// BridgeNetwork's housekeeping: idle taps, taps that could not be removed, and the removal of the bridge.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "capabilities/bridge/network.h"
#include "net/addresses.h"
#include "net/links.h"
#include "net/tap.h"

namespace banger::capabilities {

using store::kBridgeOwner;

namespace {

constexpr auto kLook = std::chrono::seconds(30);     // between attempts to remove taps and an idle bridge
constexpr auto kPatience = std::chrono::seconds(5);  // for an operation under way when the daemon ends

}  // namespace

Task<Result<>> BridgeNetwork::add_idle() {
  auto number = CO_TRY(free_number());
  under_way_.insert(number);
  Result<> recorded = store_.add_journal({0, kBridgeOwner, "tap", fmt::to_string(number)});
  auto tap = recorded ? co_await create_tap(number) : Result<UniqueFd>(std::unexpected(recorded.error()));
  under_way_.erase(number);
  if (tap)
    idle_.push_back({number, std::move(*tap)});
  else
    to_remove_[number] = kBridgeOwner;
  if (!tap) co_return std::unexpected(std::move(tap).error());
  co_return Result<>{};
}

Task<> BridgeNetwork::clean_up() {
  for (const auto& [number, owner] : std::exchange(to_remove_, {})) {
    auto gone = co_await delete_tap(number, owner);
    if (gone) continue;
    log_.warn("bridge.clean_up_failed", {{"tap", net::tap_name(number)}, {"error", gone.error().sentence()}});
    to_remove_[number] = owner;
  }
}

Task<> BridgeNetwork::let_go() {
  while (!idle_.empty()) {
    auto number = idle_.back().number;
    idle_.pop_back();
    to_remove_[number] = kBridgeOwner;
  }
  co_await clean_up();
}

Task<Result<>> BridgeNetwork::remove_bridge() {
  auto turn = co_await changing_.lock();
  if (!recorded_ || !attached_.empty() || !idle_.empty()) co_return Result<>{};
  bridge_.reset();
  CO_TRY(co_await privileged_.call("bridge.remove", "{}"));
  // A start may have asked for the bridge during the removal. That start waits for this lock.
  recorded_ = false;
  for (const auto& entry : CO_TRY(store_.journal()))
    if (entry.kind == "bridge") CO_TRY(store_.remove_journal(entry.owner, entry.kind, entry.key));
  co_return Result<>{};
}

Task<> BridgeNetwork::run(host::Foreground& foreground) {
  tending_ = true;
  co_await tend(foreground);
  tending_ = false;
  wake_.notify_all();
}

Task<> BridgeNetwork::tend(host::Foreground& foreground) {
  while (!closing_) {
    if (!privileged_.available()) {
      // Without privileges there are no taps. The first VM on the bridge wakes this loop.
      co_await wake_.wait();
      continue;
    }
    co_await clean_up();
    bool in_use = (installed() && config_.network != vm::NetworkChoice::user) || !attached_.empty();
    if (!in_use && host::Clock::now() >= keep_until_) {
      co_await let_go();
      if (auto removed = co_await remove_bridge(); !removed)
        log_.warn("bridge.remove_failed", {{"error", removed.error().sentence()}});
      co_await wake_.wait(host::after(kLook));
      continue;
    }
    if (idle_.size() >= config_.tap_pool_size) {
      co_await wake_.wait(in_use ? host::after(kLook) : std::min(keep_until_, host::after(kLook)));
      continue;
    }
    co_await foreground.wait_idle();
    // Also restores rules that other programs may have flushed.
    Result<> filled = co_await ensure();
    while (filled && !closing_ && idle_.size() < config_.tap_pool_size) filled = co_await add_idle();
    if (filled || closing_) continue;
    log_.warn("bridge.pool_failed", {{"error", filled.error().sentence()}});
    // Waiting does not add bridges to a kernel. The next VM that asks for a bridge tries again.
    if (filled.error().code == ErrorCode::unsupported)
      co_await wake_.wait();
    else
      co_await wake_.wait(host::after(kLook));
  }
}

Task<> BridgeNetwork::close() {
  closing_ = true;
  wake_.notify_all();
  auto deadline = host::after(kPatience);
  while (tending_ && host::Clock::now() < deadline) co_await wake_.wait(deadline);
  if (!privileged_.available()) co_return;
  co_await let_go();
  if (auto removed = co_await remove_bridge(); !removed)
    log_.warn("bridge.remove_failed", {{"error", removed.error().sentence()}});
}

std::vector<Leftover> BridgeNetwork::leftovers() {
  std::vector<Leftover> found;
  auto taps = net::list_taps();
  for (auto number : taps ? *taps : std::vector<std::uint32_t>{})
    if (!is_known(number)) found.push_back({"tap", net::tap_name(number), "belongs to no VM", this});
  auto netlink = net::Netlink::open();
  auto link = netlink ? net::find_link(*netlink, config_.bridge_name) : std::unexpected(netlink.error());
  if (!recorded_ && link && *link && (*link)->ours())
    found.push_back({"bridge", config_.bridge_name, "no VM uses it, and the journal does not have it", this});
  return found;
}

Task<Result<>> BridgeNetwork::remove(Leftover leftover) {
  auto number = leftover.kind == "tap" ? net::tap_number(leftover.path) : 0;
  if (number ? is_known(number) : recorded_) co_return fail(ErrorCode::busy, "it is in use again");
  if (number) co_return co_await delete_tap(number, kBridgeOwner);
  CO_TRY(co_await privileged_.call("bridge.remove", "{}"));
  co_return Result<>{};
}

}  // namespace banger::capabilities
