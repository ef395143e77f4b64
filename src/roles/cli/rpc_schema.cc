#include "roles/cli/rpc_schema.h"

#include <nlohmann/json.hpp>

#include "api/method.h"
#include "base/bounds.h"
#include "base/words.h"
#include "link/bounds.h"

namespace banger::roles::cli {

namespace {

using api::Missing;
using api::Type;

constexpr Word<Type> kTypes[] = {
    {Type::text, "text"},     {Type::bytes, "bytes"},     {Type::path, "path"},       {Type::integer, "integer"},
    {Type::real, "real"},     {Type::boolean, "boolean"}, {Type::texts, "texts"},     {Type::text_map, "text_map"},
    {Type::counts, "counts"}, {Type::object, "object"},   {Type::objects, "objects"},
};
constexpr Word<Missing> kMissing[] = {{Missing::never, "never"}, {Missing::null, "null"}, {Missing::absent, "absent"}};

std::string text(std::string_view from) { return std::string(from); }

void add_text(Json& to, const char* key, std::string_view value) {
  if (!value.empty()) to[key] = text(value);
}

void add_choices(Json& to, std::span<const std::string_view> choices) {
  for (auto choice : choices) to["choices"].push_back(text(choice));
}

Json schema_of(const api::Field& field) {
  Json json = Json::object();
  json["name"] = text(field.name);
  json["help"] = text(field.help);
  json["type"] = text(word_of(kTypes, field.type));
  json["missing"] = text(word_of(kMissing, field.missing));
  if (field.object) json["object"] = text(field.object->name);
  add_choices(json, field.choices);
  return json;
}

Json schema_of(const api::Object& object) {
  Json json = Json::object();
  json["name"] = text(object.name);
  add_text(json, "help", object.help);
  json["fields"] = Json::array();
  for (const auto& field : object.fields) json["fields"].push_back(schema_of(field));
  return json;
}

Json schema_of(const api::Parameter& parameter) {
  Json json = Json::object();
  json["name"] = text(parameter.name);
  json["help"] = text(parameter.help);
  json["type"] = text(word_of(kTypes, parameter.type));
  json["required"] = parameter.required;
  add_text(json, "default", parameter.initial);
  add_choices(json, parameter.choices);
  if (parameter.least != INT64_MIN) json["least"] = parameter.least;
  if (parameter.most != INT64_MAX) json["most"] = parameter.most;
  return json;
}

Json schema_of(const api::Method& method) {
  Json json = Json::object();
  json["name"] = text(method.name);
  json["summary"] = text(method.summary);
  add_text(json, "details", method.details);
  json["parameters"] = Json::array();
  for (const auto& parameter : method.parameters) json["parameters"].push_back(schema_of(parameter));
  json["result"] = method.result ? Json(text(method.result->name)) : Json();
  json["shape"] = method.shape == api::Shape::stream ? "stream" : "call";
  add_text(json, "stream", method.stream);
  json["progress"] = method.progress;
  json["cancellable"] = method.cancellable;
  return json;
}

Json error_codes() {
  Json codes = Json::array();
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code)
    codes.push_back(text(to_string(static_cast<ErrorCode>(code))));
  return codes;
}

Json client_limits() {
  Json json = Json::object();
  json["message_bytes"] = limits::kRpcMessageBytes;
  json["frame_bytes"] = limits::kLinkFrameBytes;
  json["exec_string_bytes"] = limits::kExecStringBytes;
  json["exec_bytes"] = limits::kExecBytes;
  return json;
}

}  // namespace

Json rpc_schema() {
  Json json = Json::object();
  json["errors"] = error_codes();
  json["limits"] = client_limits();
  json["objects"] = json["methods"] = Json::array();
  for (const auto* group : api::groups()) {
    for (const auto* object : group->objects) json["objects"].push_back(schema_of(*object));
    for (const auto& method : group->methods) json["methods"].push_back(schema_of(method));
  }
  return json;
}

}  // namespace banger::roles::cli
