#include "api/object.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace banger::api {

std::string_view to_string(Type type) {
  switch (type) {
    case Type::text:
      return "a string";
    case Type::bytes:
      return "a byte string without NUL";
    case Type::path:
      return "an absolute path";
    case Type::integer:
      return "a whole number";
    case Type::real:
      return "a number";
    case Type::boolean:
      return "true or false";
    case Type::texts:
      return "a list of strings";
    case Type::text_map:
      return "an object of strings";
    case Type::counts:
      return "an object of whole numbers";
    case Type::object:
      return "an object";
    case Type::objects:
      return "a list of objects";
  }
  return "";
}

Json to_json(const Object& object, const void* of) {
  Json json = Json::object();
  for (const auto& field : object.fields) {
    Json value = field.get(of);
    if (value.is_null() && field.missing == Missing::absent) continue;
    json[std::string(field.name)] = std::move(value);
  }
  return json;
}

Result<> from_json(const Object& object, const Json& json, void* to) {
  if (!json.is_object()) return fail(ErrorCode::invalid, fmt::format("the {} is not a JSON object", object.name));
  for (const auto& field : object.fields) {
    auto found = json.find(field.name);
    if (found == json.end() || found->is_null()) continue;
    TRY(in(fmt::format("field '{}'", field.name), field.set(to, *found)));
  }
  return {};
}

}  // namespace banger::api
