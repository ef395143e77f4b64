#include "roles/daemon/methods/session_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/daemon/bounds.h"

namespace banger::roles::daemon {

namespace {

Result<std::string> text_of(const Json& json, std::string_view key, std::size_t most = limits::kSessionFieldBytes) {
  return printable(TRY(get_string(json, key)), most);
}

// One of the words that the API's table of fields allows.
Result<std::string> word_of(const Json& json, std::string_view key, std::string_view field) {
  auto word = TRY(get_string(json, key));
  const auto& fields = api::SessionObject::kObject.fields;
  auto row = std::ranges::find(fields, field, &api::Field::name);
  if (row != fields.end() && std::ranges::find(row->choices, word) != row->choices.end()) return word;
  return fail(ErrorCode::corrupt, fmt::format("the guest's session has an invalid field '{}'", key));
}

Result<std::int64_t> number_of(const Json& json, std::string_view key, std::int64_t most) {
  auto number = TRY(get_int(json, key));
  if (number >= 0 && number <= most) return number;
  return fail(ErrorCode::corrupt, fmt::format("the guest's session has an invalid field '{}'", key));
}

Result<api::SessionObject> read(const Json& json, const std::string& vm) {
  api::SessionObject object{.id = TRY(text_of(json, "id")), .name = TRY(text_of(json, "name")), .vm = vm};
  object.command = TRY(text_of(json, "command"));
  object.cwd = TRY(text_of(json, "cwd"));
  object.user = TRY(text_of(json, "user"));
  object.stdin_mode = TRY(word_of(json, "input", "stdin_mode"));
  object.state = TRY(word_of(json, "state", "state"));
  object.pid = TRY(number_of(json, "pid", INT32_MAX));
  object.reason = TRY(text_of(json, "reason", limits::kSessionReasonBytes));
  object.started_at = TRY(number_of(json, "started_ms", INT64_MAX)) / 1000;
  object.ended_at = TRY(number_of(json, "ended_ms", INT64_MAX)) / 1000;
  object.attached = TRY(get_bool(json, "attached"));
  auto code = TRY(number_of(json, "code", 255)), signal = TRY(number_of(json, "signal", 64));
  if (object.state != "exited") return object;
  if (signal != 0)
    object.exit_signal = signal;
  else
    object.exit_code = code;
  return object;
}

}  // namespace

Result<api::SessionObject> session_object(const Json& json, const std::string& vm) {
  auto object = read(json, vm);
  if (object) return object;
  return fail(ErrorCode::corrupt, fmt::format("the guest's answer about a session: {}", object.error().message));
}

Result<api::SessionList> session_list(const Json& json, const std::string& vm) {
  const Json* rows = find_field(json, "sessions");
  if (!rows || !rows->is_array()) return fail(ErrorCode::corrupt, "the guest did not send a list of sessions");
  api::SessionList list;
  for (const auto& row : *rows)
    if (list.sessions.size() < limits::kSessionRows) list.sessions.push_back(TRY(session_object(row, vm)));
  return list;
}

}  // namespace banger::roles::daemon
