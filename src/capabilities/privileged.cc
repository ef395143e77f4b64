#include "capabilities/privileged.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace banger::capabilities {

namespace {

bool has_zero_byte(const Json& value) {
  if (value.is_array()) return std::ranges::any_of(value, has_zero_byte);
  return value.is_string() && value.get_ref<const std::string&>().find('\0') != std::string::npos;
}

bool fits(PrivilegedArgument::Type type, const Json& value) {
  switch (type) {
    case PrivilegedArgument::Type::text:
      return value.is_string();
    case PrivilegedArgument::Type::number:
      return value.is_number_integer();
    case PrivilegedArgument::Type::boolean:
      return value.is_boolean();
    case PrivilegedArgument::Type::list:
      return value.is_array() && std::ranges::all_of(value, [](const Json& item) { return item.is_string(); });
  }
  return false;
}

std::string_view type_text(PrivilegedArgument::Type type) {
  switch (type) {
    case PrivilegedArgument::Type::text:
      return "text";
    case PrivilegedArgument::Type::number:
      return "a whole number";
    case PrivilegedArgument::Type::boolean:
      return "true or false";
    case PrivilegedArgument::Type::list:
      return "a list of texts";
  }
  return "";
}

}  // namespace

Result<> check_arguments(const PrivilegedOperation& operation, const Json& arguments) {
  if (!arguments.is_object()) return fail(ErrorCode::invalid, "the arguments must be a JSON object");
  for (const auto& [name, value] : arguments.items())
    if (std::ranges::find(operation.arguments, name, &PrivilegedArgument::name) == operation.arguments.end())
      return fail(ErrorCode::invalid, fmt::format("there is no argument '{}'", printable(name)));
  for (const auto& argument : operation.arguments) {
    auto value = arguments.find(argument.name);
    if (value == arguments.end())
      return fail(ErrorCode::invalid, fmt::format("argument '{}' is missing", argument.name));
    if (!fits(argument.type, *value))
      return fail(ErrorCode::invalid, fmt::format("argument '{}' must be {}", argument.name, type_text(argument.type)));
    // C code stops at a zero byte, so the checked text must not have one.
    if (has_zero_byte(*value))
      return fail(ErrorCode::invalid, fmt::format("argument '{}' has a zero byte", argument.name));
  }
  return {};
}

Result<const PrivilegedOperation*> validated(const PrivilegedTable& table, const PrivilegedContext& context,
                                             std::string_view operation, const Json& arguments) {
  auto found = std::ranges::find(table, operation, &PrivilegedOperation::name);
  if (found == table.end())
    return fail(ErrorCode::not_found, fmt::format("there is no operation '{}'", printable(operation, 64)));
  TRY(in(operation, check_arguments(**found, arguments)));
  TRY(in(operation, (*found)->validate(context, arguments)));
  return *found;
}

}  // namespace banger::capabilities
