#include "api/method.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/byte_string.h"
#include "base/text.h"

namespace banger::api {

extern const Group kHostGroup, kVmGroup, kEventGroup, kFileGroup, kPortGroup, kEgressGroup, kSessionGroup, kSshGroup,
    kSnapshotGroup, kTemplateGroup, kImageGroup, kKernelGroup;

namespace {

constinit const Group* const kGroups[] = {
    &kHostGroup,   &kVmGroup,  &kEventGroup,    &kFileGroup,     &kSessionGroup, &kPortGroup,
    &kEgressGroup, &kSshGroup, &kSnapshotGroup, &kTemplateGroup, &kImageGroup,   &kKernelGroup,
};

Result<> check_known(const Method& method, std::string_view key) {
  if (std::ranges::find(method.parameters, key, &Parameter::name) != method.parameters.end()) return {};
  std::vector<std::string> names;
  for (const auto& parameter : method.parameters) names.emplace_back(parameter.name);
  auto hint = did_you_mean(key, names);
  if (hint.empty())
    hint = names.empty() ? fmt::format("{} takes no parameters", method.name)
                         : fmt::format("{} takes {}", method.name, join(names, ", "));
  return fail(ErrorCode::invalid, fmt::format("unknown parameter '{}'", printable(key, 80)), std::move(hint));
}

bool all_texts(const Json& values) {
  return std::ranges::all_of(values, [](const Json& each) { return each.is_string(); });
}

bool has_type(Type type, const Json& value) {
  switch (type) {
    case Type::text:
      return value.is_string();
    case Type::bytes:
      return from_byte_string(value).has_value();
    case Type::path:
      // An empty path counts as absent, because clients pass on options that have no value.
      return value.is_string() && (value.get_ref<const std::string&>() + "/").front() == '/';
    case Type::integer:
      return value.is_number_integer();
    case Type::real:
      return value.is_number();
    case Type::boolean:
      return value.is_boolean();
    case Type::texts:
      return value.is_array() && all_texts(value);
    case Type::text_map:
      return value.is_object() && all_texts(value);
    case Type::counts:
    case Type::object:
    case Type::objects:
      return false;  // no parameter has these types
  }
  return false;
}

std::string choices_of(const Parameter& parameter) {
  std::string text;
  for (std::size_t i = 0; i < parameter.choices.size(); ++i)
    text += fmt::format("{}\"{}\"",
                        i == 0                              ? ""
                        : i + 1 == parameter.choices.size() ? " or "
                                                            : ", ",
                        parameter.choices[i]);
  return text;
}

Result<> check_number(const Parameter& parameter, const Json& value) {
  bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
  if (huge) return fail(ErrorCode::invalid, fmt::format("parameter '{}' must be below 2^63", parameter.name));
  auto number = value.get<std::int64_t>();
  if (number >= parameter.least && number <= parameter.most) return {};
  if (parameter.most == INT64_MAX)
    return fail(ErrorCode::invalid, fmt::format("parameter '{}' must be at least {}", parameter.name, parameter.least));
  return fail(ErrorCode::invalid,
              fmt::format("parameter '{}' must be between {} and {}", parameter.name, parameter.least, parameter.most));
}

Result<> check_value(const Parameter& parameter, const Json& value) {
  if (!has_type(parameter.type, value))
    return fail(ErrorCode::invalid,
                fmt::format("parameter '{}' must be {}", parameter.name, to_string(parameter.type)));
  if (parameter.type == Type::integer) return check_number(parameter, value);
  if (parameter.choices.empty()) return {};
  const auto& word = value.get_ref<const std::string&>();
  if (std::ranges::find(parameter.choices, word) != parameter.choices.end()) return {};
  return fail(ErrorCode::invalid, fmt::format("parameter '{}' must be {}", parameter.name, choices_of(parameter)));
}

}  // namespace

std::span<const Group* const> groups() { return kGroups; }

const Method* find_method(std::string_view name) {
  for (const auto* group : groups())
    for (const auto& method : group->methods)
      if (method.name == name) return &method;
  return nullptr;
}

Result<> check_params(const Method& method, const Json& params) {
  if (!params.is_object()) return fail(ErrorCode::invalid, "the parameters must be an object");
  for (const auto& [key, value] : params.items()) TRY(check_known(method, key));
  for (const auto& parameter : method.parameters) {
    auto found = params.find(parameter.name);
    if (found != params.end() && !found->is_null())
      TRY(check_value(parameter, *found));
    else if (parameter.required)
      return fail(ErrorCode::invalid, fmt::format("missing parameter '{}'", parameter.name),
                  fmt::format("give {}: {}", parameter.name, parameter.help));
  }
  return {};
}

}  // namespace banger::api
