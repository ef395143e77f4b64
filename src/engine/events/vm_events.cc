#include "engine/events/vm_events.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/bounds.h"
#include "base/text.h"
#include "vm/fields.h"
#include "vm/state.h"

namespace banger::engine {

namespace {

using vm::Event;
using vm::State;

// The words of State, and of StartedFrom, are those of the record.
bool is(const std::string& state, State which) { return state == vm::to_string(which); }

std::string how_started(const store::VmRow& row) {
  return row.started_from ? std::string(store::to_string(*row.started_from)) : "";
}

struct What {
  Event event;
  std::string detail = {};
};

std::optional<What> of_state(const std::string& from, const store::VmRow& row) {
  const auto& to = row.state;
  if (is(to, State::starting)) return What{Event::starting};
  if (is(to, State::stopping)) return What{Event::stopping};
  if (is(to, State::suspending)) return What{Event::suspending};
  if (is(to, State::suspended)) return What{Event::suspended, row.last_error};
  if (is(to, State::restoring)) return What{Event::restoring};
  if (is(to, State::running))
    return What{row.started_from == store::StartedFrom::resume ? Event::resumed : Event::running, how_started(row)};
  if (is(to, State::stopped) && is(from, State::restoring)) return What{Event::restored};
  if (is(to, State::stopped) && !is(from, State::creating))
    return What{Event::stopped, row.last_error.empty() ? row.ended : row.last_error};
  return std::nullopt;
}

Result<vm::Spec> spec_of(const store::VmRow& row) {
  return vm::spec_from_json(TRY(parse_json(row.spec, limits::kRpcMessageBytes)));
}

// A record of an older banger lacks fields, which is no change.
std::string changed_fields(const store::VmRow& before, const store::VmRow& after) {
  auto old = spec_of(before), now = spec_of(after);
  std::vector<std::string> names;
  for (const auto& field : vm::kFields)
    if (old && now && vm::field_value(field, *old) != vm::field_value(field, *now)) names.emplace_back(field.name);
  return join(names, ", ");
}

bool is_users(const store::VmRow& row) { return row.purpose == store::Purpose::user; }

}  // namespace

VmEvent event_of(const store::VmRow& row, Event what, std::string detail) {
  return {.what = what, .id = row.id, .name = row.name, .state = row.state, .detail = std::move(detail)};
}

std::vector<VmEvent> events_of_change(const store::VmRow& before, const store::VmRow& after) {
  std::vector<VmEvent> events;
  if (!is_users(after)) return events;
  bool claimed = !is_users(before), moved = before.state != after.state;
  bool begins = is(before.state, State::creating) && moved && !is(after.state, State::deleting);
  if (claimed || begins) events.push_back(event_of(after, Event::created));
  if (!claimed && before.name != after.name) events.push_back(event_of(after, Event::renamed, before.name));
  if (!claimed && before.spec != after.spec) {
    auto names = changed_fields(before, after);
    if (!names.empty()) events.push_back(event_of(after, Event::changed, std::move(names)));
  }
  if (claimed || moved)
    if (auto what = of_state(before.state, after)) events.push_back(event_of(after, what->event, what->detail));
  return events;
}

}  // namespace banger::engine
