#include "egress/log.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "egress/bounds.h"

namespace banger::egress {

namespace {

// A counter stays at its end rather than beginning anew.
std::uint64_t sum(std::uint64_t one, std::uint64_t other) {
  return other > UINT64_MAX - one ? UINT64_MAX : one + other;
}

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

Log::Log() : Log(limits::kLogRows) {}
Log::Log(std::size_t most_rows) : most_rows_(most_rows) {}

void Log::add(const LogEvent& event, WallTime now) {
  auto& rows = event.reason == Reason::allowed ? allowed_ : refused_;
  auto name = printable(event.name, limits::kLogNameBytes);
  Key key{name, event.address, event.port, event.reason};
  auto found = rows.by_key.find(key);
  if (found == rows.by_key.end()) {
    rows.list.push_back({.name = std::move(name),
                         .address = event.address,
                         .port = event.port,
                         .reason = event.reason,
                         .first = now,
                         .last = now});
    found = rows.by_key.emplace(std::move(key), std::prev(rows.list.end())).first;
  } else {
    rows.list.splice(rows.list.end(), rows.list, found->second);
  }
  auto& row = *found->second;
  row.sent = sum(row.sent, event.sent);
  row.received = sum(row.received, event.received);
  row.count += event.begins ? 1 : 0;
  row.last = now;
  row.sequence = ++sequence_;
  if (rows.list.size() <= most_rows_) return;
  const auto& oldest = rows.list.front();
  rows.by_key.erase({oldest.name, oldest.address, oldest.port, oldest.reason});
  rows.list.pop_front();
  ++forgotten_;
}

std::vector<LogRow> Log::since(std::uint64_t sequence) const {
  std::vector<LogRow> rows;
  for (const auto* kind : {&allowed_, &refused_})
    for (auto row = kind->list.rbegin(); row != kind->list.rend() && row->sequence > sequence; ++row)
      rows.push_back(*row);
  std::ranges::sort(rows, {}, &LogRow::sequence);
  return rows;
}

void Log::clear() {
  for (auto* kind : {&allowed_, &refused_}) {
    kind->by_key.clear();
    kind->list.clear();
  }
}

Json to_json(const LogRow& row) {
  bool allowed = row.reason == Reason::allowed;
  Json json = {{"name", row.name},
               {"verdict", allowed ? "allowed" : "refused"},
               {"reason", to_word(row.reason)},
               {"sent", row.sent},
               {"received", row.received},
               {"count", row.count},
               {"first_at", seconds_of(row.first)},
               {"last_at", seconds_of(row.last)},
               {"sequence", row.sequence}};
  if (row.address != 0) json["address"] = net::to_text(row.address);
  if (row.port != 0) json["port"] = row.port;
  if (!allowed) json["sentence"] = to_sentence(row.reason, row.name, row.address, row.port);
  return json;
}

}  // namespace banger::egress
