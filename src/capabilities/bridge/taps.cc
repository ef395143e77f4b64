#include "capabilities/bridge/taps.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "net/addresses.h"
#include "net/bounds.h"

namespace banger::capabilities {

using store::kBridgeOwner;

namespace {

constexpr const char* kKind = "tap";

std::uint32_t number_in(const std::string& key) {
  std::uint32_t number = 0;
  std::from_chars(key.data(), key.data() + key.size(), number);
  return number;
}

}  // namespace

void Taps::load(const store::JournalEntry& entry) {
  if (entry.kind != kKind) return;
  taps_[number_in(entry.key)] = {entry.owner == kBridgeOwner ? Use::discarded : Use::vm, entry.owner};
}

std::optional<std::uint32_t> Taps::of(std::string_view vm_id) const {
  auto tap = std::ranges::find_if(
      taps_, [&](const auto& each) { return each.second.use == Use::vm && each.second.owner == vm_id; });
  return tap == taps_.end() ? std::nullopt : std::optional(tap->first);
}

std::vector<std::string> Taps::holders() const {
  std::vector<std::string> ids;
  for (const auto& [number, tap] : taps_)
    if (tap.use == Use::vm) ids.push_back(tap.owner);
  return ids;
}

Result<std::vector<std::uint32_t>> Taps::stray() const {
  std::vector<std::uint32_t> numbers;
  if (privileged_.is_private()) return numbers;
  for (const auto& tap : TRY(net::list_taps()))
    if (tap.mark == mark_ && !known(tap.number)) numbers.push_back(tap.number);
  return numbers;
}

Result<std::uint32_t> Taps::free_number() const {
  // A private network has taps of this daemon only.
  auto there = privileged_.is_private() ? std::vector<net::ListedTap>() : TRY(net::list_taps());
  for (std::uint32_t number = 1; number <= limits::kTaps; ++number)
    if (!known(number) && std::ranges::find(there, number, &net::ListedTap::number) == there.end()) return number;
  return fail(ErrorCode::exhausted, fmt::format("there are {} taps already", limits::kTaps),
              "run banger gc: it removes taps that belong to no VM");
}

Task<Result<UniqueFd>> Taps::create(std::uint32_t number) {
  auto reply = CO_TRY(co_await privileged_.call("tap.create", dump_json({{"tap", number}, {"daemon", mark_.daemon}})));
  if (reply.fds.size() != 1)
    co_return fail(ErrorCode::internal, fmt::format("tap.create sent {} descriptors instead of 1", reply.fds.size()));
  co_return std::move(reply.fds.front());
}

Task<Result<UniqueFd>> Taps::create_idle(std::uint32_t number) {
  taps_[number] = {Use::changing, kBridgeOwner};
  Result<> recorded = store_.add_journal({0, kBridgeOwner, kKind, fmt::to_string(number)});
  auto tap = recorded ? co_await create(number) : Result<UniqueFd>(std::unexpected(recorded.error()));
  taps_[number].use = tap ? Use::idle : Use::discarded;
  co_return tap;
}

Task<> Taps::release(std::string vm_id) {
  auto number = of(vm_id);
  if (!number) co_return;
  auto gone = co_await delete_tap(*number, vm_id);
  if (gone) co_return;
  log_.warn("bridge.leave_failed",
            {{"id", vm_id}, {"tap", net::tap_name(*number)}, {"error", gone.error().sentence()}});
  // The tap belongs to the bridge from now on, because the VM may be deleted before the removal succeeds.
  (void)store_.add_journal({0, kBridgeOwner, kKind, fmt::to_string(*number)});
  (void)store_.remove_journal(vm_id, kKind, fmt::to_string(*number));
  discard(*number);
}

void Taps::discard(std::uint32_t number) { taps_[number] = {Use::discarded, kBridgeOwner}; }

Task<> Taps::remove_discarded() {
  std::vector<std::uint32_t> numbers;
  for (const auto& [number, tap] : taps_)
    if (tap.use == Use::discarded) numbers.push_back(number);
  for (auto number : numbers) {
    auto gone = co_await delete_tap(number, kBridgeOwner);
    if (gone) continue;
    log_.warn("bridge.clean_up_failed", {{"tap", net::tap_name(number)}, {"error", gone.error().sentence()}});
    discard(number);
  }
}

Task<Result<>> Taps::remove(std::uint32_t number) { return delete_tap(number, kBridgeOwner); }

// The caller decides about a tap that could not be removed.
Task<Result<>> Taps::delete_tap(std::uint32_t number, std::string owner) {
  taps_[number] = {Use::changing, owner};
  auto gone = co_await privileged_.call("tap.delete", dump_json({{"tap", number}}));
  taps_.erase(number);
  if (!gone) co_return std::unexpected(std::move(gone).error());
  co_return store_.remove_journal(owner, kKind, fmt::to_string(number));
}

}  // namespace banger::capabilities
