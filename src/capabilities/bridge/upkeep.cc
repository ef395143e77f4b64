#include "capabilities/bridge/upkeep.h"

#include <algorithm>

#include "capabilities/bounds.h"

namespace banger::capabilities {

BridgeUpkeep::BridgeUpkeep(const ResourceHost& host, BridgeDevice& device, Taps& taps, IdleTaps& idle)
    : host_(host), device_(device), taps_(taps), idle_(idle), wake_(host.runtime) {}

void BridgeUpkeep::note_use() {
  keep_until_ = host::Clock::now() + std::chrono::duration_cast<host::Clock::duration>(host_.config.pool_idle);
  wake_.notify_all();
}

Task<> BridgeUpkeep::run(host::Foreground& foreground) {
  running_ = true;
  co_await loop(foreground);
  running_ = false;
  wake_.notify_all();
}

Task<> BridgeUpkeep::loop(host::Foreground& foreground) {
  while (!closing_) {
    if (!host_.privileged.available()) {
      // Without privileges there are no taps. The first VM on the bridge wakes this loop.
      co_await wake_.wait();
      continue;
    }
    co_await taps_.remove_discarded();
    bool installed =
        host_.privileged.way() == Privileged::Way::helper && host_.config.network != vm::NetworkChoice::user;
    bool in_use = installed || !taps_.holders().empty();
    auto next = host::after(limits::kBridgeUpkeepInterval);
    if (!in_use && host::Clock::now() >= keep_until_) {
      co_await shut_down();
      co_await wake_.wait(next);
      continue;
    }
    if (idle_.size() >= host_.config.tap_pool_size) {
      co_await wake_.wait(in_use ? next : std::min(keep_until_, next));
      continue;
    }
    co_await foreground.wait_idle();
    auto filled = co_await fill();
    if (filled || closing_) continue;
    host_.log.warn("bridge.pool_failed", {{"error", filled.error().sentence()}});
    // Waiting does not add bridges to a kernel. The next VM that asks for a bridge tries again.
    bool hopeless = filled.error().code == ErrorCode::unsupported;
    co_await wake_.wait(hopeless ? host::Deadline::max() : host::after(limits::kBridgeUpkeepInterval));
  }
}

Task<Result<>> BridgeUpkeep::fill() {
  // Also restores rules that other programs may have flushed.
  CO_TRY(co_await device_.ensure());
  while (!closing_ && idle_.size() < host_.config.tap_pool_size) CO_TRY(co_await idle_.add());
  co_return Result<>{};
}

Task<> BridgeUpkeep::shut_down() {
  idle_.discard();
  co_await taps_.remove_discarded();
  if (taps_.holders().empty()) co_await host_.egress.close();
  auto removed = co_await device_.remove([this] { return !taps_.holders().empty() || !idle_.empty(); });
  if (!removed) host_.log.warn("bridge.remove_failed", {{"error", removed.error().sentence()}});
}

Task<> BridgeUpkeep::close() {
  closing_ = true;
  device_.close();
  wake_.notify_all();
  auto deadline = host::after(limits::kBridgeCloseDeadline);
  while (running_ && host::Clock::now() < deadline) co_await wake_.wait(deadline);
  if (host_.privileged.available()) co_await shut_down();
}

}  // namespace banger::capabilities
