#include "link/session_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"
#include "base/text.h"
#include "link/bounds.h"
#include "link/session_bounds.h"

namespace banger::link {

Result<> check_session_name(std::string_view name) {
  auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  auto bad = [&](const char* why) {
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot be the name of a session: {}", printable(name, 80), why),
                "use lower-case letters, digits and '-'");
  };
  if (name.empty() || name.size() > limits::kSessionNameBytes) return bad("a name has 1 to 63 characters");
  if (!is_letter(name.front())) return bad("it begins with no letter and no digit");
  if (!std::ranges::all_of(name, [&](char c) { return is_letter(c) || c == '-'; }))
    return bad("it has other characters");
  return {};
}

Result<> check_session(const SessionSpec& spec) {
  TRY(check_session_name(spec.name));
  if (spec.required.size() > limits::kRequiredCommands)
    return fail(ErrorCode::invalid, fmt::format("a session may require {} commands at most, and this one requires {}",
                                                limits::kRequiredCommands, spec.required.size()));
  for (const auto& name : spec.required)
    if (name.empty() || name.size() > limits::kPathBytes || name.contains('\0'))
      return fail(ErrorCode::invalid, "a required command has no usable name");
  return check_spec(spec.command);
}

Json to_json(const SessionSpec& spec) {
  Json required = Json::array();
  for (const auto& name : spec.required) required.push_back(to_byte_string(name));
  return {{"name", spec.name},
          {"input", word_of(kSessionInputWords, spec.input)},
          {"required", std::move(required)},
          {"command", to_json(spec.command)}};
}

Result<SessionSpec> session_spec_from_json(const Json& json) {
  TRY(only_keys(json, {"name", "input", "required", "command"}));
  SessionSpec spec{.name = TRY(get_string(json, "name")), .required = {}, .command = {}};
  auto input = value_of(kSessionInputWords, TRY(get_string(json, "input")));
  if (!input) return fail(ErrorCode::invalid, "field 'input' must be \"pipe\", \"pty\" or \"none\"");
  spec.input = *input;
  if (const Json* list = find_field(json, "required")) {
    if (!list->is_array()) return fail(ErrorCode::invalid, "field 'required' must be a list");
    for (const auto& item : *list) {
      auto name = from_byte_string(item);
      if (!name) return fail(ErrorCode::invalid, "field 'required' must have byte strings without NUL");
      spec.required.push_back(std::move(*name));
    }
  }
  const Json* command = find_field(json, "command");
  if (!command) return fail(ErrorCode::invalid, "missing field 'command'");
  spec.command = TRY(exec_spec_from_json(*command));
  spec.command.tty = spec.input == SessionInput::pty;
  spec.command.detach = false;
  TRY(check_session(spec));
  return spec;
}

}  // namespace banger::link
