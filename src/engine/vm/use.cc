#include "engine/vm/use.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/bounds.h"
#include "link/bounds.h"

namespace banger::engine {

host::Clock::duration VmUse::idle_for() const {
  if (record_->state() != vm::State::running || users_ > 0) return {};
  return host::Clock::now() - std::max(last_, record_->since());
}

Task<Result<Json>> VmUse::stats(std::chrono::milliseconds age, std::chrono::milliseconds patience) {
  bool current = !stats_.empty() && stats_at_ >= record_->since() && record_->state() == vm::State::running;
  if (current && host::Clock::now() - stats_at_ <= age) co_return parse_json(stats_, limits::kLinkJsonBytes);
  auto deadline = host::after(patience);
  auto client = CO_TRY(co_await link_->client(std::min(deadline, host::after(limits::kStatsLinkDeadline))));
  auto text = CO_TRY(co_await client->call("GET", "/stats", "", deadline));
  const auto& name = record_->row().name;
  auto json = CO_TRY(in(fmt::format("the answer of vm '{}'", name), parse_json(text, limits::kLinkJsonBytes)));
  if (!json.is_object())
    co_return fail(ErrorCode::corrupt, fmt::format("vm '{}' sent statistics that are not an object", name));
  stats_ = std::move(text);
  stats_at_ = host::Clock::now();
  co_return json;
}

}  // namespace banger::engine
