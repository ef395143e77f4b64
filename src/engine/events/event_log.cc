#include "engine/events/event_log.h"

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "engine/bounds.h"

namespace banger::engine {

std::int64_t unix_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void EventLog::add(VmEvent event) {
  event.sequence = ++last_;
  event.time_ms = unix_ms();
  event.detail = printable(event.detail, limits::kEventDetailBytes);
  events_.push_back(std::move(event));
  if (events_.size() > limits::kEventsKept) events_.pop_front();
  for (auto* wake : followers_) wake->notify_all();
}

std::uint64_t EventLog::last_before(std::int64_t time_ms) const {
  auto before = std::find_if(events_.rbegin(), events_.rend(),
                             [time_ms](const VmEvent& event) { return event.time_ms < time_ms; });
  if (before != events_.rend()) return before->sequence;
  return events_.empty() ? last_ : events_.front().sequence - 1;
}

EventLog::Batch EventLog::after(std::uint64_t sequence) const {
  Batch batch;
  if (sequence >= last_) return batch;
  auto first = events_.front().sequence;
  if (sequence + 1 < first) batch.missed = first - sequence - 1;
  auto begin = events_.begin() + static_cast<std::ptrdiff_t>(std::max(sequence + 1, first) - first);
  auto count = std::min<std::size_t>(limits::kEventBatch, static_cast<std::size_t>(events_.end() - begin));
  batch.events.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  return batch;
}

}  // namespace banger::engine
